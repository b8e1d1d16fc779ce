// The widgets and the entries each of them lets one try.
export const kWidgetIds = ['try-ratio', 'try-turn', 'try-centering'] as const;
export type WidgetId = (typeof kWidgetIds)[number];

interface WidgetLink {
  id: WidgetId; // in the address too
  title: string;
  entries: readonly string[];
}

export const kWidgets: readonly WidgetLink[] = [
  {
    id: 'try-ratio',
    title: 'Moment ratio and the Gaussian floor',
    entries: ['MR-1', 'MR-2', 'MR-3', 'MR-5', 'IF-1'],
  },
  {
    id: 'try-turn',
    title: 'A key turned by hand',
    entries: ['JF-1', 'JF-2', 'JF-4', 'GI-4', 'LH-1', 'GS-1', 'GS-5'],
  },
  { id: 'try-centering', title: 'Centering a cloud', entries: ['DC-3', 'DC-4', 'DC-5'] },
];

export function widgetFor(entry: string): WidgetLink | undefined {
  return kWidgets.find(({ entries }) => entries.includes(entry));
}
