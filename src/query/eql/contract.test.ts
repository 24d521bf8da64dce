import { describe, expect, it } from 'vitest';
import { looksEql } from './contract.ts';

describe('a text is EQL by its form', () => {
  it.each([
    'sequence by user.name [login where true] [file where true]',
    'sequence with maxspan=5m [a where true] [b where true]',
    'sequence\n  [a where true]\n  [b where true]',
    'sequence ![a where true] [b where true]',
    'sample by user.name [a where true] [b where true]',
    '  // who\n /* and ** what */ any where true',
    'process where process.name == "cmd.exe"',
    'process where process.name : "cmd*" | head 5',
    '"odd category" where user.id in (1, 2)',
    'process where not (a.b == 1 and c != null)',
    'process where not true and a == 1',
    'any where ?user.id != null',
    'any where `odd name` >= 3',
    'any where startsWith~(process.name, "x")',
    'any where process.name not like~ ("a*", "b*")',
    'any where "x" == process.name',
    'any where size - 1 > 4',
    // Faults that the EQL parser explains better than a search that finds nothing.
    'process where process.name = "x"',
    'sequence by user.name',
  ])('%s', query => {
    expect(looksEql(query)).toBe(true);
  });

  it.each([
    '',
    'timeout',
    'where',
    'any where',
    'nobody knows where it went',
    'anywhere true',
    'timeout where it began',
    'timeout where true friends meet',
    'nowhere == 1',
    'page where https://a.example/x was opened',
    'a sequence by chance [x where true]',
    'sequence',
    'sequence of events',
    'status:500 where a == 1',
    '{app="x"} |= "process where a == 1"',
    'any Where true',
    '"quoted" status:500',
  ])('not: %s', query => {
    expect(looksEql(query)).toBe(false);
  });

  it('takes no time to speak of for texts made to be slow', () => {
    const texts = ['/**/', '// ', ' ', '"" ', '""', '(', 'not ', 'a.', '`a`.', '"\\"', '\n//'].flatMap(part =>
      ['', 'any where ', 'any', 'sequence '].map(head => head + part.repeat(20_000)),
    );
    const began = performance.now();
    for (const text of texts) looksEql(text);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
