// A card: an article with an id in monospace, a title, chips and a body. It can hold the focus, so that
// keys can step from card to card.
import type { ComponentChildren } from 'preact';

export interface CardProps {
  id: string;
  title: ComponentChildren;
  chips: ComponentChildren;
  current: boolean;
  children: ComponentChildren;
}

export function Card({ id, title, chips, current, children }: CardProps) {
  return (
    <article
      class={current ? 'card current' : 'card'}
      id={id}
      tabIndex={-1}
      aria-labelledby={`${id}-title`}
    >
      <header>
        <h3 id={`${id}-title`}>
          <a class="card-id" href={`#${id}`}>
            {id}
          </a>{' '}
          {title}
        </h3>
        <div class="chips">{chips}</div>
      </header>
      {children}
    </article>
  );
}

export function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="card-section">
      <h4>{title}</h4>
      {children}
    </section>
  );
}
