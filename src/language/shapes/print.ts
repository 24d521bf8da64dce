import type { Shape, StatsColumn } from './shape.ts';

function column({ fn, field, quantile, name }: StatsColumn): string {
  const share = quantile === undefined ? '' : `${quantile}, `;
  return `${fn}(${share}${field ?? ''}) as ${name}`;
}

function one(shape: Shape): string {
  switch (shape.kind) {
    case 'distinct':
      return `distinct ${shape.fields.join(', ')}`;
    case 'sort':
      return `sort ${shape.keys.map(k => (k.descending ? `${k.field} desc` : k.field)).join(', ')}`;
    case 'limit':
      return `limit ${shape.rows}`;
    case 'context':
      return `context ${shape.records}`;
    case 'stats':
      return `stats ${shape.columns.map(column).join(', ')}${shape.by.length > 0 ? ` by ${shape.by.join(', ')}` : ''}`;
  }
}

/** The normal form, each shape with its ` | ` before it. */
export const printShapes = (shapes: readonly Shape[]): string => shapes.map(shape => ` | ${one(shape)}`).join('');
