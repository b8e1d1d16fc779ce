import { RichText } from '../components/RichText';
import { EntryCard } from './EntryCard';
import { data, shown } from './state';

export function CardsView() {
  return (
    <>
      {data.families.map((family) => {
        const entries = shown.value.filter((entry) => entry.family === family.id);
        if (entries.length === 0) return null;
        return (
          <section key={family.id} class="family" aria-labelledby={family.id}>
            <h2 id={family.id} tabIndex={-1}>
              <span class="family-id">{family.id}</span> <RichText text={family.name} />
            </h2>
            <div class="explanation">
              {family.explanation.map((text, index) => (
                <p key={index}>
                  <RichText text={text} />
                </p>
              ))}
            </div>
            {entries.map((entry) => (
              <EntryCard key={entry.id} entry={entry} />
            ))}
          </section>
        );
      })}
    </>
  );
}
