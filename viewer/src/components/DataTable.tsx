// A table from columns; it scrolls sideways inside itself where the page is narrow.
import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  head: string;
  cell: (row: Row, above: Row | undefined) => ComponentChildren;
  numeric?: boolean;
  wide?: boolean; // sentences: takes the room that the others leave
  rowHeader?: boolean;
}

export interface DataTableProps<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  rowId?: (row: Row) => string;
  rowClass?: (row: Row) => string | undefined;
}

export function DataTable<Row>({ caption, columns, rows, rowId, rowClass }: DataTableProps<Row>) {
  return (
    <div class="table-scroll" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, numeric, wide }) => (
              <th key={head} scope="col" class={numeric ? 'numeric' : wide ? 'wide' : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr
              key={rowId?.(row) ?? index}
              id={rowId?.(row)}
              class={rowClass?.(row)}
              tabIndex={rowId ? -1 : undefined}
            >
              {columns.map(({ head, cell, numeric, rowHeader }) =>
                rowHeader ? (
                  <th key={head} scope="row">
                    {cell(row, rows[index - 1])}
                  </th>
                ) : (
                  <td key={head} class={numeric ? 'numeric' : undefined}>
                    {cell(row, rows[index - 1])}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
