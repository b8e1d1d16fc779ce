import type { Page } from 'playwright-core';
import { describe, expect, inject, it } from 'vitest';
import type { ChecksFile } from '../../src/generated/theorem_checks';
import { open, useBrowser } from './browser';

const pages = inject('pages');
useBrowser();

async function value(page: Page, name: string): Promise<number> {
  return Number((await page.locator(`[data-name="${name}"]`).innerText()).replace('−', '-'));
}
async function slide(page: Page, label: RegExp, to: number): Promise<void> {
  await page.getByRole('slider', { name: label }).fill(String(to));
}
const tryPage = () => open(pages.checked, { hash: '#?view=try' });

describe('moment ratio', () => {
  it('shows the exact values of the dimension next to the sample', async () => {
    const page = await tryPage();
    for (const [power, c, beta] of [
      [6, 0.80101, 0.6423],
      [7, 0.79944, 0.63946],
      [8, 0.79866, 0.63804],
    ] as const) {
      await slide(page, /Dimension/, power);
      expect(await value(page, 'exact-cosine')).toBe(c);
      expect(await value(page, 'exact-beta')).toBe(beta);
      expect(Math.abs((await value(page, 'mean-cosine')) - c)).toBeLessThan(0.002);
    }
    expect(await value(page, 'limit-cosine')).toBe(0.79788);
  });

  it('follows the law, and draws again', async () => {
    const page = await tryPage();
    for (const [law, beta] of [
      ['uniform', 0.75],
      ['laplace', 0.5],
      ['arcsine', 0.81057],
      ['triangular', 0.66667],
    ] as const) {
      await page.getByLabel('Coordinates').selectOption(law);
      expect(await value(page, 'limit-beta')).toBe(beta);
      expect(await page.locator('[data-name="exact-beta"]').innerText()).toBe('no formula');
      expect(Math.abs((await value(page, 'mean-beta')) - beta)).toBeLessThan(0.03);
    }
    await page.getByLabel('Coordinates').selectOption('masked');
    await slide(page, /Share not zero/, 0.5);
    expect(await value(page, 'limit-beta')).toBe(0.31831);
    const first = await value(page, 'mean-cosine');
    await page.locator('#try-ratio').getByText('Draw again').click();
    expect(await value(page, 'mean-cosine')).not.toBe(first);
  });
});

describe('a key turned by hand', () => {
  it('turns by keys and by dragging, in two dimensions and in three', async () => {
    const page = await tryPage();
    const drawing = page.locator('.turn-drawing');
    for (const dimensions of ['2-D', '3-D']) {
      await page.locator('#try-turn').getByText(dimensions).click();
      const start = await value(page, 'turn-first');
      await drawing.focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      const turned = await value(page, 'turn-first');
      expect(turned).not.toBe(start);
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowLeft');
      expect(await value(page, 'turn-first')).toBeCloseTo(start, 5);
      await drawing.scrollIntoViewIfNeeded();
      const box = (await drawing.boundingBox())!;
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      await page.mouse.move(x + 80, y);
      await page.mouse.down();
      await page.mouse.move(x + 70, y + 45, { steps: 5 });
      await page.mouse.up();
      expect(await value(page, 'turn-first')).not.toBeCloseTo(start, 3);
      await page.locator('#try-turn').getByText('Turn back').click();
      expect(await value(page, 'turn-first')).toBe(start);
    }
  });

  it('in the plane follows the pointer by the same angle', async () => {
    const page = await tryPage();
    await page.locator('.turn-drawing').scrollIntoViewIfNeeded();
    const arrow = () =>
      page
        .locator('.key-arrow.first circle')
        .evaluate((tip) =>
          Math.atan2(-Number(tip.getAttribute('cy')), Number(tip.getAttribute('cx'))),
        );
    const before = await arrow();
    const box = (await page.locator('.turn-drawing').boundingBox())!;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x + 100, y);
    await page.mouse.down();
    await page.mouse.move(x + 100 * Math.cos(0.5), y - 100 * Math.sin(0.5), { steps: 8 });
    await page.mouse.up();
    expect((await arrow()) - before).toBeCloseTo(0.5, 1);
  });

  it('reaches the lattice by one ITQ round with one key, and climbs with many', async () => {
    const page = await tryPage();
    const round = page.getByRole('button', { name: 'ITQ round' });
    await round.click();
    expect(await value(page, 'turn-first')).toBe(1);
    await round.click();
    expect(await page.locator('#try-turn .outcome').innerText()).toContain('changed nothing');
    await page.locator('#try-turn').getByText('3-D').click();
    await slide(page, /^Keys(?! in)/, 9);
    let last = await value(page, 'turn-mean');
    for (let n = 0; n < 12; ++n) {
      await round.click();
      const next = await value(page, 'turn-mean');
      expect(next).toBeGreaterThanOrEqual(last);
      last = next;
    }
    expect(await page.locator('#try-turn .outcome').innerText()).toContain('changed nothing');
    expect(last).toBeLessThan(1);
  });
});

async function centeringValues(page: Page): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const which of ['meanCosine', 'betaE', 'betaPool']) {
    await page.getByLabel('What is measured').selectOption(which);
    values[`raw ${which}`] = await value(page, 'points-raw-best');
    values[`centered ${which}`] = await value(page, 'points-centered-best');
  }
  return values;
}

describe('centering a cloud', () => {
  it('lowers the best of three points, whatever is measured', async () => {
    const page = await tryPage();
    expect(await centeringValues(page)).toEqual({
      'raw meanCosine': 1,
      'raw betaE': 1,
      'raw betaPool': 1,
      'centered meanCosine': 0.96579,
      'centered betaE': 0.91667,
      'centered betaPool': 0.88889,
    });
    expect(await page.locator('#try-centering .outcome').innerText()).toContain(
      'it falls from 1.00000 to 0.88889',
    );
    await page.getByRole('button', { name: 'Best centered' }).click();
    await page.getByLabel('What is measured').selectOption('meanCosine');
    await slide(page, /Rotation/, 45);
    expect(await page.locator('[data-name="points-here"]').innerText()).toContain('0.70711 →');
  });

  it('lowers the ratio of a Gaussian cloud, and its error', async () => {
    const page = await tryPage();
    await page.getByText('Gaussian cloud').click();
    for (const [r, raw] of [
      [0.5, 0.6417],
      [1, 0.6805],
      [2, 0.8136],
      [4, 0.9412],
    ] as const) {
      await slide(page, /Mean per coordinate/, r);
      expect(Math.abs((await value(page, 'cloud-raw')) - raw)).toBeLessThan(0.01);
      expect(await page.locator('#try-centering .numbers').innerText()).toContain(
        `formula ${raw.toFixed(4)}`,
      );
      expect(Math.abs((await value(page, 'cloud-centered')) - 2 / Math.PI)).toBeLessThan(0.01);
      expect(await value(page, 'cloud-centered-error')).toBeLessThan(
        await value(page, 'cloud-raw-error'),
      );
    }
    await slide(page, /Mean per coordinate/, 0);
    expect(await page.locator('#try-centering .outcome').count()).toBe(0);
  });
});

if (pages.realChecks !== '') {
  describe('the program', () => {
    const { checks } = JSON.parse(pages.realChecks) as ChecksFile;
    const numbers = (id: string) =>
      checks
        .find((check) => check.id === id)!
        .findings.flatMap(({ value: found, bound }) => [found, bound])
        .filter((x) => x !== null);
    const nearest = (id: string, wanted: number) =>
      Math.min(...numbers(id).map((x) => Math.abs(x - wanted)));

    it('finds the same suprema of three points', async () => {
      const page = await tryPage();
      const values = await centeringValues(page);
      for (const [name, shown] of Object.entries(values)) {
        expect(nearest('DC-3', shown), name).toBeLessThan(1e-5);
      }
    });

    it('finds the same ratios of Gaussian clouds', async () => {
      const page = await tryPage();
      await page.getByText('Gaussian cloud').click();
      for (const r of [0.5, 1, 2, 4]) {
        await slide(page, /Mean per coordinate/, r);
        const formula = Number(
          /formula (0\.\d+)/.exec(await page.locator('#try-centering .numbers').innerText())![1],
        );
        expect(nearest('DC-4', formula), `r = ${r}`).toBeLessThan(1e-4);
      }
    });

    it('finds the same exact means at each dimension', async () => {
      const page = await tryPage();
      for (const power of [6, 7, 8]) {
        await slide(page, /Dimension/, power);
        expect(nearest('MR-5', await value(page, 'exact-cosine')), `d = 2^${power}`).toBeLessThan(
          1e-5,
        );
        expect(nearest('MR-5', await value(page, 'exact-beta')), `d = 2^${power}`).toBeLessThan(
          1e-5,
        );
      }
    });

    if (pages.programPage !== '') {
      it('writes a page that shows every finding', async () => {
        const page = await open(pages.programPage);
        expect(await page.locator('.findings tbody tr').count()).toBe(
          checks.flatMap(({ findings }) => findings).length,
        );
        expect(await page.locator('.origin').innerText()).toContain('Numbers: routegauge ');
        await page.keyboard.press('3');
        expect(await page.locator('.ring').count()).toBe(checks.length);
      });
    }
  });
}
