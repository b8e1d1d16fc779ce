// Debian's Chromium, and pages in it that keep count of what they ask for and of what goes wrong.
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';

const kArguments = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Browser;
const opened: { page: Page; requests: string[]; errors: string[] }[] = [];

export interface OpenOptions {
  hash?: string;
  dark?: boolean;
  width?: number;
}

export async function open(
  file: string,
  { hash = '', dark = false, width = 1300 }: OpenOptions = {},
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
  });
  const page = await context.newPage();
  const [requests, errors]: [string[], string[]] = [[], []];
  page.on('request', (request) => requests.push(request.url()));
  page.on('requestfailed', (request) => {
    // Stopped by the page's own policy before it left.
    if (request.failure()?.errorText === 'csp') requests.splice(requests.indexOf(request.url()), 1);
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  opened.push({ page, requests, errors });
  await page.goto(`file://${file}${hash}`);
  await page.locator('#main').waitFor();
  return page;
}

// Every page opened by a test must have asked for its own file and for nothing else, and must be free of
// errors; a test that provokes some takes them out first.
export function useBrowser(): { errorsOf: (page: Page) => string[] } {
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: kArguments,
    });
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    const all = opened.splice(0);
    for (const { page } of all) await page.context().close();
    for (const { requests, errors } of all) {
      const outside = requests
        .map((url) => url.replace(/#.*/, ''))
        .filter((url) => !url.startsWith('data:'));
      expect(new Set(outside)).toEqual(new Set([outside[0]]));
      expect(outside[0]).toMatch(/^file:\/\/.*\.html$/);
      expect(errors).toEqual([]);
    }
  });
  return { errorsOf: (page) => opened.find((one) => one.page === page)!.errors };
}

export function cardIds(page: Page): Promise<string[]> {
  return page.locator('article.card').evaluateAll((cards) => cards.map(({ id }) => id));
}
export const hashOf = (page: Page): Promise<string> => page.evaluate(() => location.hash);
export const focusedId = (page: Page): Promise<string> =>
  page.evaluate(() => document.activeElement?.id ?? '');
