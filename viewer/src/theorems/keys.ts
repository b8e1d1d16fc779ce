// The page's keys. They are silent while a field takes text, save Escape.
import { kViews } from './hash';
import { go, place, reveal, shown } from './state';

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest('input, textarea, select, [role="slider"]') !== null
  );
}

function focusedEntry(): string | null {
  const ids = new Set(shown.value.map(({ id }) => id));
  for (let at: Element | null = document.activeElement; at !== null; at = at.parentElement) {
    if (ids.has(at.id)) return at.id;
  }
  return null;
}

function step(by: 1 | -1): void {
  const ids = shown.value.map(({ id }) => id);
  if (ids.length === 0 || place.value.view === 'try') return;
  const at = ids.indexOf(focusedEntry() ?? place.value.target ?? '');
  const next =
    at < 0 ? (by > 0 ? 0 : ids.length - 1) : Math.min(Math.max(at + by, 0), ids.length - 1);
  const id = ids[next]!;
  go({ target: id });
  reveal(id);
}

function toggleParts(): void {
  const id = focusedEntry() ?? place.value.target;
  const parts = [...(document.getElementById(id ?? '')?.querySelectorAll('details') ?? [])];
  const opening = parts.some((part) => !part.open);
  for (const part of parts) part.open = opening;
}

function escape(): void {
  const field = document.getElementById('search');
  if (field instanceof HTMLInputElement && document.activeElement === field) {
    if (field.value !== '') go({ text: '' });
    else field.blur();
  } else {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    go({ target: null });
  }
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { key } = event;
  if (key === 'Escape') return escape();
  if (isTyping(event.target)) return;
  const view = kViews[Number(key) - 1];
  if (key === '/') {
    document.querySelector<HTMLDetailsElement>('#filters-small')?.setAttribute('open', '');
    document.getElementById('search')?.focus();
  } else if (key === 'j' || (key === 'ArrowDown' && focusedEntry() === document.activeElement?.id))
    step(1);
  else if (key === 'k' || (key === 'ArrowUp' && focusedEntry() === document.activeElement?.id))
    step(-1);
  else if (key === 'o') toggleParts();
  else if (view !== undefined) go({ view });
  else return;
  event.preventDefault();
}

export function startKeys(): void {
  document.addEventListener('keydown', onKey);
}
