// The frame of a widget: title, what it shows, the entries it belongs to.
import type { ComponentChildren } from 'preact';
import { entryOf } from '../state';
import { kWidgets, type WidgetId } from './list';

export function Widget({
  id,
  intro,
  children,
}: {
  id: WidgetId;
  intro: string;
  children: ComponentChildren;
}) {
  const { title, entries } = kWidgets.find((widget) => widget.id === id)!;
  return (
    <section class="card widget" id={id} tabIndex={-1} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      <p class="explanation">{intro}</p>
      {children}
      <p class="links">
        <span class="note">Entries</span>
        {entries
          .filter((entry) => entryOf.has(entry))
          .map((entry) => (
            <a key={entry} class="card-id" href={`#${entry}`}>
              {entry}
            </a>
          ))}
      </p>
    </section>
  );
}

// What the widget has just shown about a sentence: it holds here, or it fails here.
export function Outcome({ holds, children }: { holds: boolean; children: ComponentChildren }) {
  return (
    <p class={`outcome ${holds ? 'tone-good' : 'tone-bad'}`} role="status">
      {children}
    </p>
  );
}
