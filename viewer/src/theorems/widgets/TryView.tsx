import { CenteringWidget } from './CenteringWidget';
import { RatioWidget } from './RatioWidget';
import { TurnWidget } from './TurnWidget';

export function TryView() {
  return (
    <>
      <p class="explanation">
        Three things to try by hand. Everything is computed in this page, from seeds, by the
        formulas of the entries named.
      </p>
      <RatioWidget />
      <TurnWidget />
      <CenteringWidget />
    </>
  );
}
