// The page's state: the data it holds, and the place the reader is at, kept in step with the address.
import { computed, effect, signal } from '@preact/signals';
import type { Checks, Entry, PageData, Slack } from './data';
import { shownEntries } from './filter';
import { formatHash, kStart, parseHash, type Place } from './hash';

function heldJson(id: string): unknown {
  return JSON.parse(document.getElementById(id)?.textContent ?? 'null') as unknown;
}

function isChecks(value: unknown): value is Checks {
  return (
    typeof value === 'object' &&
    value !== null &&
    'schema_version' in value &&
    value.schema_version === 1 &&
    'checks' in value &&
    Array.isArray(value.checks)
  );
}

function heldChecks(): { checks: Checks | null; unreadable: boolean } {
  try {
    const value = heldJson('checks');
    return isChecks(value)
      ? { checks: value, unreadable: false }
      : { checks: null, unreadable: value !== null };
  } catch {
    return { checks: null, unreadable: true };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSlack(value: unknown): value is Slack {
  return (
    isObject(value) &&
    value.schema_version === 1 &&
    isObject(value.model) &&
    isObject(value.no_check) &&
    isObject(value.not_applicable) &&
    isObject(value.summary) &&
    isObject(value.summary.per_theorem) &&
    isObject(value.summary.verdict) &&
    typeof value.body_sha256 === 'string'
  );
}

function heldSlack(): Slack | null {
  try {
    const value = heldJson('slack');
    return isSlack(value) ? value : null;
  } catch {
    return null;
  }
}

export const data = heldJson('catalogue') as PageData;
export const slack = heldSlack();
export const { checks, unreadable: checksUnreadable } = heldChecks();
export const entryOf = new Map<string, Entry>(data.entries.map((entry) => [entry.id, entry]));

export const place = signal<Place>(kStart);
export const shown = computed(() => shownEntries(data.entries, place.value, checks));

export function go(change: Partial<Place>): void {
  place.value = { ...place.value, ...change };
}

// Turns one choice of a filter on or off.
export function toggled<Value>(list: readonly Value[], value: Value): Value[] {
  return list.includes(value) ? list.filter((one) => one !== value) : [...list, value];
}

// A place whose target the filters would hide shows it without the filters.
function arrive(hash: string): void {
  const next = parseHash(hash);
  const entry = next.target === null ? undefined : entryOf.get(next.target);
  const hidden = entry !== undefined && !shownEntries([entry], next, checks).length;
  place.value = hidden ? { ...kStart, view: next.view, target: next.target } : next;
}

// A plain "#DC-3" inside the page keeps the view and the filters, unless the link is there to change the view.
function follow(event: MouseEvent): void {
  if (
    event.defaultPrevented ||
    event.button !== 0 ||
    event.ctrlKey ||
    event.metaKey ||
    event.shiftKey
  )
    return;
  const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null;
  const hash = link?.getAttribute('href') ?? '';
  const target = parseHash(hash).target;
  if (target === null || hash !== `#${target}` || link?.hasAttribute('data-view')) return;
  event.preventDefault();
  const { view } = place.value;
  open(target, target.startsWith('try-') ? 'try' : view === 'try' ? 'cards' : view);
}

export function open(target: string, view: Place['view']): void {
  const next = formatHash({ ...place.value, target, view });
  if (next === location.hash) reveal(target);
  else location.hash = next;
}

export function reveal(target: string): void {
  const element = document.getElementById(target);
  element?.scrollIntoView({ block: place.value.view === 'graph' ? 'nearest' : 'start' });
  element?.focus({ preventScroll: true });
}

export function startPlace(): void {
  arrive(location.hash);
  addEventListener('hashchange', () => arrive(location.hash));
  document.addEventListener('click', follow);
  effect(() => {
    const hash = formatHash(place.value);
    if (hash !== location.hash) history.replaceState(null, '', hash === '' ? '#' : hash);
  });
}
