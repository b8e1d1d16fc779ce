import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { describe, expect, inject, it } from 'vitest';
import { checks, families, hostile, kHostile, slack, statuses } from '../fixture';
import { cardIds, focusedId, hashOf, open, useBrowser } from './browser';

const pages = inject('pages');
const { errorsOf } = useBrowser();
const kViews = ['cards', 'table', 'graph', 'try'];

describe('keys', () => {
  it('search, clear and leave', async () => {
    const page = await open(pages.checked);
    await page.keyboard.press('/');
    expect(await focusedId(page)).toBe('search');
    await page.keyboard.type('jk1o');
    expect(await page.locator('#search').inputValue()).toBe('jk1o');
    await page.keyboard.press('Escape');
    expect(await cardIds(page)).toHaveLength(5);
    await page.keyboard.press('Escape');
    expect(await focusedId(page)).not.toBe('search');
  });

  it('step through the entries shown', async () => {
    const page = await open(pages.checked, { hash: '#?family=GI,GS' });
    for (const id of ['GI-1', 'GI-2', 'GS-1', 'GS-1']) {
      await page.keyboard.press('j');
      expect(await focusedId(page)).toBe(id);
    }
    await page.keyboard.press('ArrowUp');
    expect(await focusedId(page)).toBe('GI-2');
    await page.keyboard.press('k');
    expect(await hashOf(page)).toBe('#GI-1?family=GI,GS');
    await page.keyboard.press('Escape');
    expect(await hashOf(page)).toBe('#?family=GI,GS');
  });

  it('change the view, and walk the graph', async () => {
    const page = await open(pages.checked);
    for (const [key, view] of [
      ['2', 'table'],
      ['4', 'try'],
      ['3', 'graph'],
    ]) {
      await page.keyboard.press(key!);
      expect(await hashOf(page)).toBe(`#?view=${view}`);
    }
    await page.keyboard.press('j');
    expect(await focusedId(page)).toBe('GI-1');
    await page.keyboard.press('ArrowRight');
    expect(await focusedId(page)).toBe('GI-2');
    await page.keyboard.press('Enter');
    await expect.poll(() => hashOf(page)).toBe('#GI-2');
    expect(await cardIds(page)).toHaveLength(5);
  });

  it('skip to the theorems with the first tab stop, then reach the views', async () => {
    const page = await open(pages.checked);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain(
      'Skip to the theorems',
    );
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Cards');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    expect(await focusedId(page)).toBe('main');
  });
});

describe('light and dark', () => {
  const paper = (page: Page) =>
    page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const brightness = async (page: Page) => Number(/\d+/.exec(await paper(page))![0]);

  it('follow the system until one is chosen, and stay chosen', async () => {
    const page = await open(pages.checked, { dark: true });
    expect(await brightness(page)).toBeLessThan(60);
    await page.locator('.theme-button').click();
    expect(await brightness(page)).toBeGreaterThan(230);
    await page.reload();
    expect(await brightness(page)).toBeGreaterThan(230);
    await page.locator('.theme-button').click();
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await brightness(page)).toBeLessThan(60);
    await page.locator('.theme-button').click();
    expect(await brightness(page)).toBeGreaterThan(230);
  });
});

describe('print', () => {
  it('opens every part and hides the controls', async () => {
    const page = await open(pages.checked, { dark: true });
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('aside').isVisible()).toBe(false);
    expect(await page.locator('.segmented').isVisible()).toBe(false);
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
      'rgb(255, 255, 255)',
    );
    const closed = page.locator('article details:not([open])');
    const before = await closed.count();
    expect(before).toBeGreaterThan(0);
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    expect(await closed.count()).toBe(0);
    expect(await page.locator('#GI-1 pre.coq').first().isVisible()).toBe(true);
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    expect(await closed.count()).toBe(before);
  });
});

describe('the network', () => {
  it('is out of reach even for a script inside the page', async () => {
    const page = await open(pages.checked);
    const outcomes = await page.evaluate(async () => {
      const blocked: string[] = [];
      addEventListener('securitypolicyviolation', (event) =>
        blocked.push(event.effectiveDirective),
      );
      await fetch('http://127.0.0.1:9/').catch(() => undefined);
      const image = document.createElement('img');
      image.src = 'http://127.0.0.1:9/x.png';
      document.body.append(image);
      const script = document.createElement('script');
      script.textContent = 'window.hacked = 1';
      document.body.append(script);
      document.body.insertAdjacentHTML(
        'beforeend',
        '<p onclick="window.hacked = 1" id="bait">x</p>',
      );
      document.getElementById('bait')!.click();
      await new Promise((done) => setTimeout(done, 200));
      return { blocked, hacked: 'hacked' in window };
    });
    expect(outcomes.hacked).toBe(false);
    for (const directive of ['connect-src', 'img-src', 'script-src-elem', 'script-src-attr']) {
      expect(outcomes.blocked).toContain(directive);
    }
    errorsOf(page).splice(0); // Chromium's word on each of them
  });
});

describe('hostile texts', () => {
  it('are text in every view', async () => {
    for (const view of kViews) {
      const page = await open(pages.hostile, { hash: `#?view=${view}` });
      await page.evaluate(() =>
        document.querySelectorAll('details').forEach((part) => (part.open = true)),
      );
      expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
      expect(await page.locator('img, [onerror], [onload]').count()).toBe(0);
      expect(await page.locator('script').count()).toBe(4);
      expect(await page.locator('a[href^="javascript"]').count()).toBe(0);
    }
  });

  it('are all shown', async () => {
    const page = await open(pages.hostile);
    await page.evaluate(() =>
      document.querySelectorAll('details').forEach((part) => (part.open = true)),
    );
    const text = await page.locator('body').evaluate((body) => body.textContent);
    const held = JSON.stringify([hostile(families()), hostile(statuses()), hostile(checks())]);
    expect(text.split(kHostile).length).toBeGreaterThanOrEqual(
      held.split(JSON.stringify(kHostile).slice(1, -1)).length,
    );
    for (const part of [
      'Scores stay',
      'normal keys',
      'max difference',
      'a_hole',
      'counts',
      'Taking the mean away.',
      '0.0.0-test',
      slack().no_check['GI-2']!,
      'no RoPE',
    ]) {
      expect(text).toContain(`${part} ${kHostile}`);
    }
  });

  it('can be searched for', async () => {
    const page = await open(pages.hostile);
    await page.locator('#search').fill('</script><script>');
    expect(await cardIds(page)).toHaveLength(5);
    await page.locator('#search').fill('</script><style>');
    expect(await cardIds(page)).toEqual([]);
    const hash = await hashOf(page);
    const again = await open(pages.hostile, { hash });
    expect(await again.locator('#search').inputValue()).toBe('</script><style>');
  });
});

describe('accessibility', () => {
  const source = readFileSync(
    createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
    'utf8',
  );

  it.each(
    kViews.flatMap(
      (view) =>
        [
          [view, false],
          [view, true],
        ] as const,
    ),
  )('of %s, dark: %s', async (view, dark) => {
    const page = await open(pages.checked, { hash: `#?view=${view}`, dark });
    await page.evaluate(() =>
      document.querySelectorAll('details').forEach((part) => (part.open = true)),
    );
    await page.evaluate(source);
    const violations = await page.evaluate(async () => {
      const { axe } = window as unknown as {
        axe: { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      return (await axe.run()).violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
      );
    });
    expect(violations).toEqual([]);
  });
});

describe('narrow screens', () => {
  it.each(kViews)('hold %s without sideways scrolling', async (view) => {
    for (const file of [pages.checked, pages.real]) {
      const page = await open(file, { hash: `#?view=${view}`, width: 390 });
      await page.evaluate(() =>
        document.querySelectorAll('details').forEach((part) => (part.open = true)),
      );
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
        390,
      );
    }
  });
});

describe('the page of the real catalogue', () => {
  it('shows every entry and every formula', async () => {
    const page = await open(pages.real);
    const entries = await page.evaluate(() => {
      const data = JSON.parse(document.getElementById('catalogue')!.textContent!) as {
        entries: { id: string }[];
      };
      return data.entries.map(({ id }) => id);
    });
    expect(entries.length).toBeGreaterThan(80);
    expect(await cardIds(page)).toEqual(entries);
    expect(await page.locator('main').innerText()).not.toMatch(/\$/);
    expect(await page.locator('.temml-error, merror').count()).toBe(0);
    expect(await page.locator('.formula').count()).toBeGreaterThan(500);
    expect(await page.locator('.formula:empty').count()).toBe(0);
    const font = await page
      .locator('math')
      .first()
      .evaluate(async (element) => {
        await document.fonts.ready;
        return (
          [...document.fonts].some(({ status }) => status === 'loaded') &&
          getComputedStyle(element).fontFamily
        );
      });
    expect(font).toContain('STIX2');
  });

  it('holds one place for the checks and one for shares of slack', () => {
    const html = readFileSync(pages.real, 'utf8');
    for (const id of ['checks', 'slack']) {
      const place = `<script id="${id}" type="application/json">null</script>`;
      expect(html.split(place)).toHaveLength(2);
    }
    expect(html).not.toMatch(/<(link|img|iframe)[^>]+(href|src)="(?!data:)/);
  });
});
