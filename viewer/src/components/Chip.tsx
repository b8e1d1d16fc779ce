// A small label with a tone. The sign repeats in shape what the tone says in colour.
import type { ComponentChildren } from 'preact';

export type Tone = 'good' | 'fair' | 'warn' | 'bad' | 'info' | 'plain';

export interface ChipProps {
  tone: Tone;
  sign?: string | undefined;
  title?: string | undefined;
  children: ComponentChildren;
}

export function Chip({ tone, sign, title, children }: ChipProps) {
  return (
    <span class={`chip tone-${tone}`} title={title}>
      {sign !== undefined && (
        <span class="sign" aria-hidden="true">
          {sign}
        </span>
      )}
      {children}
    </span>
  );
}
