import { WeirError } from '../../base/errors.ts';

/** A node of the engine's own syntax tree. `name`: what stands behind the kind: of a function, a table, a column; the text of a literal. */
export type SyntaxNode = { kind: string; name: string; children: SyntaxNode[] };

const line = /^( *)([A-Za-z:]+)(?: (.*?))??(?: \(alias (.*?)\))?(?: \(children (\d+)\))?$/s;

/**
 * The tree that `EXPLAIN AST` prints, one node a line, indented by depth, each with the number of its children. Names are printed as they are, so a
 * name in backquotes may look like lines of the tree; every number of children is compared, and a tree that is not whole is refused.
 */
export function readSyntaxTree(lines: readonly string[]): SyntaxNode {
  const refuse = (): WeirError =>
    new WeirError('bad_query', {
      reason:
        'SQL: a name in backquotes or a literal has a line break or parentheses that cannot be checked; rename it',
    });
  let at = 0;
  const read = (depth: number): SyntaxNode => {
    const [, indent = '', kind = '', name = '', , count = '0'] = line.exec(lines[at] ?? '') ?? [];
    if (kind === '' || indent.length !== depth) throw refuse();
    at++;
    const children: SyntaxNode[] = [];
    for (let i = 0; i < Number(count); i++) children.push(read(depth + 1));
    return { kind, name, children };
  };
  const root = read(0);
  if (at !== lines.length) throw refuse();
  return root;
}
