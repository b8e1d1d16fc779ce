// A slider and a choice, each with its label; the slider shows its value.
import { useId } from 'preact/hooks';

export interface SliderProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step: number;
  shown?: string;
  onValue: (value: number) => void;
}

export function Slider({ label, value, min, max, step, shown, onValue }: SliderProps) {
  const id = useId();
  return (
    <div class="control">
      <label for={id}>
        {label} <output for={id}>{shown ?? value}</output>
      </label>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        onInput={(event) => onValue(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}

export interface ChoiceProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly { value: Value; label: string }[];
  onValue: (value: Value) => void;
}

export function Choice<Value extends string>({
  label,
  value,
  options,
  onValue,
}: ChoiceProps<Value>) {
  const id = useId();
  return (
    <div class="control">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => {
          const found = options.find((option) => option.value === event.currentTarget.value);
          if (found !== undefined) onValue(found.value);
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

// Names and numbers side by side; data-name lets a test find one.
export function Numbers({
  rows,
}: {
  rows: readonly { name: string; label: string; value: string; note?: string }[];
}) {
  return (
    <dl class="numbers" aria-live="polite">
      {rows.map(({ name, label, value, note }) => (
        <div key={name}>
          <dt>{label}</dt>
          <dd>
            <span data-name={name}>{value}</span>
            {note !== undefined && <span class="note"> {note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
