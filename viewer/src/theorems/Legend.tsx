// What every mark of the page means.
import { Disclosure } from '../components/Disclosure';
import { CheckChip, StatusChip, VerdictChip } from './chips';
import { kCheckResults, kStatuses, kVerdicts } from './data';
import { kCheckWords, kStatusWords, kVerdictWords } from './words';

export function Legend() {
  return (
    <Disclosure summary="Legend and keys">
      <div class="legend">
        <section>
          <h2>Proof, set by the proof checker and by nobody's hand</h2>
          <dl>
            {kStatuses.map((status) => (
              <div key={status}>
                <dt>
                  <StatusChip status={status} />
                </dt>
                <dd>{kStatusWords[status].meaning}</dd>
              </div>
            ))}
          </dl>
          <p class="note">
            An entry of several parts shows the weakest of them. (differs): the formal statement is
            not quite the one on the card; (in part): it leaves something of that out. The card says
            what.
          </p>
        </section>
        <section>
          <h2>Verdict on the published claim</h2>
          <dl>
            {kVerdicts.map((verdict) => (
              <div key={verdict}>
                <dt>
                  <VerdictChip verdict={verdict} />
                </dt>
                <dd>{kVerdictWords[verdict].meaning}</dd>
              </div>
            ))}
          </dl>
        </section>
        <section>
          <h2>Numbers</h2>
          <dl>
            {kCheckResults.map((result) => (
              <div key={result}>
                <dt>
                  <CheckChip result={result} />
                </dt>
                <dd>{kCheckWords[result].meaning}</dd>
              </div>
            ))}
          </dl>
        </section>
        <section class="keys-help">
          <h2>Keys</h2>
          <dl class="keys">
            <div>
              <dt>
                <kbd>/</kbd>
              </dt>
              <dd>search</dd>
            </div>
            <div>
              <dt>
                <kbd>j</kbd> <kbd>k</kbd>
              </dt>
              <dd>next, previous entry; arrows too, once an entry has the focus</dd>
            </div>
            <div>
              <dt>
                <kbd>o</kbd>
              </dt>
              <dd>open or close all parts of the entry</dd>
            </div>
            <div>
              <dt>
                <kbd>1</kbd>–<kbd>4</kbd>
              </dt>
              <dd>cards, table, graph, try it</dd>
            </div>
            <div>
              <dt>
                <kbd>Esc</kbd>
              </dt>
              <dd>leave the search, then clear it; leave the entry</dd>
            </div>
          </dl>
        </section>
      </div>
    </Disclosure>
  );
}
