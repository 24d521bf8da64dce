import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Template } from '../../flow.ts';
import { TemplateTree } from './drain.ts';

const learnAll = (tree: TemplateTree, shapes: readonly string[]) =>
  shapes.map((shape, i) => tree.learn(`s${i}`, shape));
const patternsOf = (shapes: readonly string[]): (string | undefined)[] => {
  const tree = new TemplateTree([], 100);
  learnAll(tree, shapes);
  return shapes.map((shape, i) => tree.learn(`s${i}`, shape)?.pattern);
};

describe('TemplateTree', () => {
  it('makes a gap of the word in which messages differ and keeps the id of the first', () => {
    const tree = new TemplateTree([], 100);
    expect(learnAll(tree, ['user logged in as ann', 'user logged in as bob', 'user logged in as cid'])).toEqual([
      { id: 's0', number: 1, pattern: 'user logged in as ann', changed: true },
      { id: 's0', number: 1, pattern: 'user logged in as <_>', changed: true },
      { id: 's0', number: 1, pattern: 'user logged in as <_>', changed: false },
    ]);
  });

  it('keeps the key of a pair and the head of a path outside the gap', () => {
    expect(patternsOf(['cache miss for user:ann now', 'cache miss for user:bob now'])[1]).toBe(
      'cache miss for user:<_> now',
    );
    expect(patternsOf(['cache miss key=ann now', 'cache miss key=bob now'])[1]).toBe('cache miss key=<_> now');
  });

  it('tells apart messages of different length, separators or first words', () => {
    const shapes = ['open file failed', 'open file failed again', 'open (file) failed', 'close file failed'];
    expect(patternsOf(shapes)).toEqual(shapes);
  });

  it('tells apart messages that have less than half of their words in common', () => {
    const shapes = ['job done with code zero today', 'job done after three hours maybe'];
    expect(patternsOf(shapes)).toEqual(shapes);
  });

  it('keeps white space and brackets to the letter', () => {
    expect(patternsOf(['a  b [x] "said ann"', 'a  b [x] "said bob"'])[1]).toBe('a  b [x] "said <_>"');
  });

  it('makes no gap of a word that is empty in one of the messages, since a gap never is', () => {
    const shapes = ['get=user: of=', 'get=user: =', 'get=user:ann of=', 'get=user:bob of='];
    expect(patternsOf(shapes)).toEqual(['get=user: of=', 'get=user: =', 'get=user:<_> of=', 'get=user:<_> of=']);
    const again = new TemplateTree([{ id: 's0', number: 1, pattern: 'get=user:<_> get=' }], 100);
    expect(again.learn('s1', 'get=user:<_> =')).toMatchObject({ id: 's1', changed: true });
    expect(again.learn('s1', 'get=user:<_> =')).toMatchObject({ id: 's1', changed: false });
  });

  it('gives the most special template that fits', () => {
    const known: Template[] = [
      { id: 'wide', number: 1, pattern: 'get <_> of <_>' },
      { id: 'narrow', number: 2, pattern: 'get item of <_>' },
    ];
    expect(new TemplateTree(known, 100).learn('x', 'get item of ann')?.id).toBe('narrow');
  });

  it('founds no more templates than allowed and says so', () => {
    const tree = new TemplateTree([], 2);
    expect(learnAll(tree, ['one thing', 'other stuff', 'third kind'])[2]).toBeUndefined();
    expect(tree.learn('s9', 'one thing')?.id).toBe('s0');
  });

  it('gives the same templates after a restart, whatever was learnt', () => {
    const word = fc.constantFrom('get', 'put', 'ann', 'bob', 'of', '<_>', 'user:ann', 'user:<_>', 'x=<_>', '');
    const separator = fc.constantFrom(' ', ' ', '=', ': ');
    const shape = fc
      .array(fc.tuple(word, separator), { minLength: 1, maxLength: 6 })
      .map(parts => parts.map(([w, s]) => w + s).join(''));
    fc.assert(
      fc.property(fc.array(shape, { maxLength: 40 }), shapes => {
        const tree = new TemplateTree([], 1_000);
        const kept = new Map<string, Template>();
        for (const [i, text] of shapes.entries()) {
          const learnt = tree.learn(`s${i}`, text);
          if (learnt) kept.set(learnt.id, learnt);
        }
        const again = new TemplateTree(
          [...kept.values()].sort((a, b) => a.number - b.number),
          1_000,
        );
        for (const [i, text] of shapes.entries()) {
          const learnt = again.learn(`s${i}`, text);
          expect(learnt).toEqual({ ...tree.learn(`s${i}`, text), changed: false });
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
