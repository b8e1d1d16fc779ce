import { describe, expect, inject, it } from 'vitest';
import { cardIds, focusedId, hashOf, open, useBrowser } from './browser';

const pages = inject('pages');
useBrowser();

describe('cards', () => {
  it('show claim, statement, hypotheses, proof, assumptions and numbers', async () => {
    const page = await open(pages.checked, { hash: '#GI-1' });
    const card = page.locator('#GI-1');
    expect(await card.locator('> header .chip').allInnerTexts()).toEqual(
      ['■\nproven', '✓\nclaim holds', '○\ncheck holds'].map((text) =>
        expect.stringContaining(text.slice(2)),
      ),
    );
    expect(await card.locator('.statement math').count()).toBe(1);
    expect(await card.locator('.hypotheses li').count()).toBe(2);
    await page.keyboard.press('o');
    expect(await card.locator('details:not([open])').count()).toBe(0);
    const text = await card.innerText();
    for (const part of [
      'It always grows.',
      'a page, section 2',
      'Exactly.',
      'GI_1_b_more',
      'proofs/GaugeInvariance.v:12',
      'forall k : vector d',
      'ClassicalDedekindReals.sig_forall_dec',
      "Assumes nothing beyond Coq's logic.",
      'normal keys',
      '3.1·10⁻¹⁶',
      '≤ 1·10⁻¹²',
      '1 finding, it holds',
      'expert_load',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('say what differs, what is missing and what fails', async () => {
    const page = await open(pages.checked);
    await page.evaluate(() =>
      document.querySelectorAll('details').forEach((part) => (part.open = true)),
    );
    expect(await page.locator('#GI-2').innerText()).toContain(
      'Differs from the statement above: Finite sums',
    );
    expect(await page.locator('#GI-2 > header').innerText()).toContain('deferred (differs)');
    expect(await page.locator('#GI-2').innerText()).toContain(
      'Formal statements: 1, not quite the one above',
    );
    expect(await page.locator('#GI-2').innerText()).toContain('Haar_measure_statement');
    expect(await page.locator('#GS-1').innerText()).toContain('Not formal: Not formal.');
    expect(await page.locator('#DC-4 > header').innerText()).toContain('(in part)');
    expect(await page.locator('#DC-4').innerText()).toContain('Not formal: Strictness.');
    expect(await page.locator('#DC-3 > header').innerText()).toContain('informal, 1 of 2 proven');
    expect(await page.locator('#DC-4').innerText()).toContain('1 of 2 findings fail');
    expect(await page.locator('#DC-4 tr.failing').innerText()).toContain('not a number');
    expect(await page.locator('#GI-2').innerText()).toContain(
      'Numerical check (the bound is loose)',
    );
    expect(await page.locator('#GI-2 .loose').innerText()).toContain(
      'Stated: share at one key, 0.25.',
    );
    expect(await page.locator('#DC-4 .loose').innerText()).toContain(
      'Nothing attains it. Measured: best beta, 0.916667.',
    );
    expect(await page.locator('#GI-1').innerText()).not.toContain('loose');
  });

  it('count what there is', async () => {
    const page = await open(pages.checked);
    const text = (await page.locator('.summary').innerText()).replace(/\s+/g, ' ');
    expect(text).toContain('5 entries 1 proven, 1 deferred, 2 informal, 1 stub');
    expect(text).toContain('5 formal statements 3 proven, 1 deferred, 1 stub');
    expect(text).toContain('4 published claims 1 hold, 1 repaired, 2 false');
    expect(text).toContain('4 numerical checks 2 of 3 hold');
    expect(await page.locator('.origin').innerText()).toContain('routegauge 0.0.0-test, seed 7');
  });

  it('say so where no check was run', async () => {
    const page = await open(pages.plain);
    expect(await page.locator('.origin').innerText()).toContain(
      'The numerical checks were not run in this page',
    );
    expect(await page.locator('#GI-1 > header').innerText()).toContain('check not run');
    expect(await page.locator('#GS-1 > header').innerText()).toContain('no check');
  });
});

describe('filters', () => {
  it('narrow the cards, show it in the address, and come off again', async () => {
    const page = await open(pages.checked);
    const filters = page.locator('aside');
    await filters.locator('button[data-value="DC"]').click();
    expect(await cardIds(page)).toEqual(['DC-3', 'DC-4']);
    await filters.locator('button[data-value="new"]').click();
    expect(await cardIds(page)).toEqual(['DC-4']);
    expect(await hashOf(page)).toBe('#?family=DC&verdict=new');
    expect(await filters.locator('.shown-count').innerText()).toContain('1 of 5 entries');
    expect(await filters.locator('button[data-value="GS"] .count').innerText()).toBe('1');
    await filters.locator('button[data-value="DC"]').click();
    expect(await cardIds(page)).toEqual(['DC-4', 'GS-1']);
    await filters.getByText('show all').click();
    expect(await cardIds(page)).toHaveLength(5);
    expect(await hashOf(page)).toBe('');
  });

  it('go by status and check', async () => {
    const page = await open(pages.checked);
    await page.locator('aside button[data-value="deferred"]').click();
    expect(await cardIds(page)).toEqual(['GI-2']);
    await page.locator('aside button[data-value="deferred"]').click();
    await page.locator('aside button[data-value="fails"]').click();
    expect(await cardIds(page)).toEqual(['DC-4']);
  });

  it('search as one types', async () => {
    const page = await open(pages.checked);
    await page.locator('#search').fill('three points');
    expect(await cardIds(page)).toEqual(['DC-3']);
    await page.locator('#search').fill('nothing has these words');
    expect(await page.locator('main').innerText()).toContain('No entry meets all filters.');
  });

  it('find the entries of an experiment', async () => {
    const page = await open(pages.checked);
    await page.locator('#DC-3 button.link', { hasText: 'terminal_ovk_scan' }).click();
    expect(await cardIds(page)).toEqual(['DC-3']);
    expect(await hashOf(page)).toBe('#?experiment=terminal_ovk_scan');
  });

  it('come with the address', async () => {
    const page = await open(pages.checked, {
      hash: '#?view=table&verdict=false,repaired&q=hypothesis',
    });
    expect(await page.locator('tbody tr').evaluateAll((rows) => rows.map(({ id }) => id))).toEqual([
      'GI-2',
    ]);
    expect(await page.locator('#search').inputValue()).toBe('hypothesis');
  });
});

describe('addresses', () => {
  it('lead to an entry', async () => {
    const page = await open(pages.checked, { hash: '#DC-4' });
    expect(await focusedId(page)).toBe('DC-4');
    expect(
      await page.locator('#DC-4').evaluate((card) => card.getBoundingClientRect().top),
    ).toBeLessThan(500);
    expect(await page.locator('#DC-4').getAttribute('class')).toContain('current');
  });

  it('lead to a family and to a widget', async () => {
    const page = await open(pages.checked, { hash: '#GS' });
    expect(await focusedId(page)).toBe('GS');
    const widgets = await open(pages.checked, { hash: '#try-turn' });
    expect(await focusedId(widgets)).toBe('try-turn');
  });

  it('follow links between entries, and go back', async () => {
    const page = await open(pages.checked, { hash: '#DC-4' });
    await page.locator('#DC-4 footer a', { hasText: 'DC-3' }).click();
    await expect.poll(() => focusedId(page)).toBe('DC-3');
    expect(await hashOf(page)).toBe('#DC-3');
    await page.goBack();
    await expect.poll(() => focusedId(page)).toBe('DC-4');
  });

  it('show an entry that the filters hide', async () => {
    const page = await open(pages.checked, { hash: '#?family=GS' });
    expect(await cardIds(page)).toEqual(['GS-1']);
    await page.locator('#GS-1 footer a', { hasText: 'GI-2' }).click();
    await expect.poll(() => focusedId(page)).toBe('GI-2');
    expect(await cardIds(page)).toHaveLength(5);
  });
});

describe('table and graph', () => {
  it('list the entries and lead to their cards', async () => {
    const page = await open(pages.checked, { hash: '#?view=table' });
    expect(await page.locator('tbody tr').count()).toBe(5);
    expect(await page.locator('#DC-3').innerText()).toMatch(
      /informal[\s\S]*1\/1[\s\S]*claim false[\s\S]*check holds[\s\S]*GI-2/,
    );
    await page.locator('#DC-3 th a').click();
    await expect.poll(() => focusedId(page)).toBe('DC-3');
    expect(await cardIds(page)).toHaveLength(5);
  });

  it('draw status, verdict and check, and rings only for checks that were run', async () => {
    const page = await open(pages.checked, { hash: '#?view=graph' });
    expect(await page.locator('g.node').count()).toBe(5);
    expect(await page.locator('path.edge').count()).toBe(5);
    expect(await page.locator('#DC-4').getAttribute('class')).toContain('status-stub verdict-new');
    expect(await page.locator('#DC-3').getAttribute('class')).toContain(
      'status-informal verdict-false',
    );
    expect(await page.locator('#DC-4 .ring-fails').count()).toBe(1);
    expect(await page.locator('.ring-holds').count()).toBe(2);
    const bare = await open(pages.plain, { hash: '#?view=graph' });
    expect(await bare.locator('.ring').count()).toBe(0);
  });

  it('draw the share of slack that a checkpoint uses as a ring of its own', async () => {
    const page = await open(pages.slack, { hash: '#?view=graph' });
    expect(await page.locator('.slack-ring').count()).toBe(2);
    const arc = page.locator('#GI-1 .slack-ring');
    expect(await arc.getAttribute('stroke-dasharray')).toBe('0.96 1');
    expect(await page.locator('#GI-1').getAttribute('aria-label')).toContain(
      'uses up to 96 % of its slack',
    );
    expect(await page.locator('#DC-4 .slack-violated').count()).toBe(1);
    expect(await page.locator('.graph-key').innerText()).toContain('small model');
    const without = await open(pages.checked, { hash: '#?view=graph' });
    expect(await without.locator('.slack-ring').count()).toBe(0);
  });

  it('say on a card what a checkpoint came to', async () => {
    const page = await open(pages.slack);
    await page.evaluate(() =>
      document.querySelectorAll('details').forEach((part) => (part.open = true)),
    );
    expect(await page.locator('#GI-1 .slack').innerText()).toMatch(
      /small model, prose: 12 cases in 2 layers, none violated\. The tightest uses 96 %/,
    );
    expect(await page.locator('#GI-1 .slack-histogram rect').count()).toBe(20);
    expect(await page.locator('#DC-4 .slack').innerText()).toContain('3 violated');
    expect(await page.locator('#GI-2 .slack').innerText()).toContain('about matrices');
    expect(await page.locator('#DC-3 .slack').innerText()).toContain('no RoPE');
    expect(await page.locator('#GS-1 .slack').count()).toBe(0);
    expect(await page.locator('.origin').innerText()).toContain('artifact fedcba987654, BROKEN');
    const bare = await open(pages.checked);
    expect(await bare.locator('.slack').count()).toBe(0);
  });

  it('light up what an entry depends on and what depends on it', async () => {
    const page = await open(pages.checked, { hash: '#?view=graph' });
    await page.locator('#DC-3').click();
    expect(await page.locator('.graph-selected').innerText()).toContain('Centring can hurt');
    const dim = () => page.locator('g.node.dim').evaluateAll((nodes) => nodes.map(({ id }) => id));
    expect(await dim()).toEqual(['GS-1']);
    expect(await hashOf(page)).toBe('#DC-3?view=graph');
    await page.keyboard.press('Escape');
    expect(await dim()).toEqual([]);
  });

  it('zoom and drag', async () => {
    const page = await open(pages.checked, { hash: '#?view=graph' });
    const view = () => page.locator('.pan-zoom svg').getAttribute('viewBox');
    const whole = await view();
    await page.getByLabel('zoom in').click();
    const near = await view();
    expect(near).not.toBe(whole);
    const box = (await page.locator('.pan-zoom svg').boundingBox())!;
    await page.mouse.move(box.x + 40, box.y + box.height - 20);
    await page.mouse.down();
    await page.mouse.move(box.x + 10, box.y + box.height - 40, { steps: 3 });
    await page.mouse.up();
    expect(await view()).not.toBe(near);
    await page.getByText('fit', { exact: true }).click();
    expect(await view()).toBe(whole);
  });
});
