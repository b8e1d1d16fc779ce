// Buttons that are on or off: several at once for filters, exactly one for a choice of view.
import type { ComponentChildren } from 'preact';

export interface Option<Value extends string> {
  value: Value;
  label: ComponentChildren;
  count?: number;
  title?: string;
}

export interface ToggleGroupProps<Value extends string> {
  label: string;
  options: readonly Option<Value>[];
  on: readonly Value[];
  toggle: (value: Value) => void;
  className?: string;
}

export function ToggleGroup<Value extends string>({
  label,
  options,
  on,
  toggle,
  className,
}: ToggleGroupProps<Value>) {
  return (
    <div class={`toggle-group ${className ?? ''}`} role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          title={option.title}
          data-value={option.value}
          aria-pressed={on.includes(option.value)}
          onClick={() => toggle(option.value)}
        >
          {option.label}
          {option.count !== undefined && <span class="count">{option.count}</span>}
        </button>
      ))}
    </div>
  );
}
