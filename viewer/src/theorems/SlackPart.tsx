// What the entry's theorem came to on a checkpoint: counts, the tightest case, how the shares of
// slack are spread.
import { Ring } from '../components/Ring';
import { percent, ringLabel, slackOf } from './slack';
import { slack } from './state';

function Histogram({ counts, id }: { counts: readonly number[]; id: string }) {
  const most = Math.max(1, ...counts);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const width = 100 / counts.length;
  return (
    <svg
      class="slack-histogram"
      viewBox="0 0 100 24"
      preserveAspectRatio="none"
      role="img"
      aria-label={`${id}: ${total} cases by the share of slack that they use, from 0 to 1`}
    >
      {counts.map((count, index) => (
        <rect
          key={index}
          x={index * width + 0.4}
          y={24 - (24 * count) / most}
          width={width - 0.8}
          height={(24 * count) / most}
        >
          <title>{`${(index / counts.length).toFixed(2)} to ${((index + 1) / counts.length).toFixed(2)}: ${count}`}</title>
        </rect>
      ))}
    </svg>
  );
}

export function SlackPart({ id }: { id: string }) {
  const found = slackOf(id, slack);
  if (found === null || slack === null) return null;
  const where = `${slack.model.ckpt}, ${slack.domain}`;
  if (found.kind === 'none')
    return (
      <p class="note slack">
        On {where}: no case, {found.reason}.
      </p>
    );
  const { of, share } = found;
  return (
    <div class="slack">
      <p>
        <Ring share={share ?? 0} label={ringLabel(found)} bad={found.violated} /> On {where}:{' '}
        {of.cases} cases in {of.layers} {of.layers === 1 ? 'layer' : 'layers'},{' '}
        {of.violated === 0 ? 'none violated' : `${of.violated} violated`}.{' '}
        {share !== null && of.tightest !== null && (
          <>
            The tightest uses {percent(share)} of its slack (layer {of.tightest.layer},{' '}
            <code>{of.tightest.name}</code>).
          </>
        )}
      </p>
      {share !== null && <Histogram counts={of.histogram} id={id} />}
    </div>
  );
}

// For the table: the ring alone.
export function SlackMark({ id }: { id: string }) {
  const found = slackOf(id, slack);
  if (found === null || found.kind === 'none') return null;
  return <Ring share={found.share ?? 0} label={ringLabel(found)} bad={found.violated} />;
}
