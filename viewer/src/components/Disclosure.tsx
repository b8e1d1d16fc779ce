// A part that opens on demand; open in print whatever the screen shows (see print.ts).
import type { ComponentChildren } from 'preact';

export interface DisclosureProps {
  summary: ComponentChildren;
  open?: boolean;
  className?: string;
  children: ComponentChildren;
}

export function Disclosure({ summary, open = false, className = '', children }: DisclosureProps) {
  return (
    <details class={`disclosure ${className}`} open={open}>
      <summary>{summary}</summary>
      <div class="disclosure-body">{children}</div>
    </details>
  );
}
