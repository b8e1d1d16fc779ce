// How much there is, and how much of it a machine has checked.
import { coverOf } from './chips';
import { kStatuses, kVerdicts } from './data';
import { checks, data } from './state';
import { kStatusWords } from './words';

function counts<Value extends string>(
  values: readonly Value[],
  all: readonly Value[],
  label: (value: Value) => string,
) {
  return values
    .map((value) => ({ value, count: all.filter((one) => one === value).length }))
    .filter(({ count }) => count > 0)
    .map(({ value, count }) => `${count} ${label(value)}`)
    .join(', ');
}

export function Summary() {
  const formal = data.entries.flatMap((entry) => entry.formal).filter(({ name }) => name !== null);
  const claims = data.entries.flatMap((entry) => entry.claims);
  const inPart = data.entries.filter((entry) => coverOf(entry) === 'part').length;
  const held = checks?.checks.filter(({ holds }) => holds).length ?? 0;
  return (
    <dl class="summary">
      <div>
        <dt>{data.entries.length} entries</dt>
        <dd>
          {counts(
            kStatuses,
            data.entries.map(({ status }) => status),
            (status) => kStatusWords[status].label,
          )}
          {inPart > 0 && `; ${inPart} of them in part`}
        </dd>
      </div>
      <div>
        <dt>{formal.length} formal statements</dt>
        <dd>
          {counts(
            kStatuses,
            formal.map(({ status }) => status),
            (status) => kStatusWords[status].label,
          )}
        </dd>
      </div>
      <div>
        <dt>{claims.filter(({ claim }) => claim !== null).length} published claims</dt>
        <dd>
          {counts(
            kVerdicts.filter((verdict) => verdict !== 'new'),
            claims.map(({ verdict }) => verdict),
            (verdict) => (verdict === 'true' ? 'hold' : verdict),
          )}
        </dd>
      </div>
      <div>
        <dt>{data.entries.filter(({ check }) => check !== null).length} numerical checks</dt>
        <dd>
          {checks === null ? 'not run in this page' : `${held} of ${checks.checks.length} hold`}
        </dd>
      </div>
    </dl>
  );
}
