import { render } from 'preact-render-to-string';
import { describe, expect, it } from 'vitest';
import { Ring } from '../../src/components/Ring';
import { percent, ringLabel, slackOf } from '../../src/theorems/slack';
import { slack } from '../fixture';

describe('shares of slack', () => {
  it('are those of the artifact', () => {
    const found = slackOf('GI-1', slack());
    expect(found).toMatchObject({ kind: 'measured', share: 0.96, violated: false });
    expect(slackOf('DC-4', slack())).toMatchObject({ kind: 'measured', violated: true });
  });

  it('are missing with the reason', () => {
    expect(slackOf('GI-2', slack())).toEqual({ kind: 'none', reason: 'about matrices' });
    expect(slackOf('DC-3', slack())).toEqual({ kind: 'none', reason: 'no RoPE' });
    expect(slackOf('GS-1', slack())).toBeNull();
    expect(slackOf('GI-1', null)).toBeNull();
    const silent = { ...slack(), not_applicable: {} };
    expect(slackOf('DC-3', silent)).toEqual({ kind: 'none', reason: 'no case was found' });
  });

  it('are said in words', () => {
    const label = (id: string) => {
      const found = slackOf(id, slack());
      return found?.kind === 'measured' ? ringLabel(found) : '';
    };
    expect(label('GI-1')).toBe('uses up to 96 % of its slack');
    expect(label('DC-4')).toBe('3 of 12 cases violated');
    expect(percent(0.9999)).toBe('>99.9 %');
    expect(percent(1)).toBe('100 %');
    expect(percent(0.000123)).toBe('0.0123 %');
  });

  it('are drawn as an arc of that length', () => {
    expect(render(<Ring share={0.25} label="a" />)).toContain('stroke-dasharray="0.25 1"');
    expect(render(<Ring share={7} label="a" />)).toContain('stroke-dasharray="1 1"');
    expect(render(<Ring share={0} label="a" />)).not.toContain('share-arc');
    expect(render(<Ring share={0} label="<b>" />)).not.toContain('<b>');
  });
});
