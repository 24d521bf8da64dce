import type { Template } from '../../flow.ts';
import { gap } from '../../language/message-shape.ts';

/** Signs that end a word. They are kept, so that a pattern matches its messages to the letter. */
const separators = /([ \t=,;()[\]{}"'|])/;

/** Share of equal words at which a shape joins a template: the value of the Drain paper (He et al., ICWS 2017). */
const similarityMin = 0.5;
/** Words on the way from the root to a leaf. The paper has two; but the second word is often a name (`user ann ...`). */
const depth = 1;
/** Branches of a node; further words share one branch, so that a variable first word cannot spread the tree. */
const branchesMax = 100;

type Cluster = { id: string; number: number; pieces: string[]; gaps: number };
type Leaf = { clusters: Cluster[] };

/** Words at even places, separators at odd ones. */
const piecesOf = (text: string): string[] => text.split(separators);
const textOf = (pieces: readonly string[]): string => pieces.join('').replace(/(?:<_>){2,}/g, gap);
const templateOf = ({ id, number, pieces }: Cluster): Template => ({ id, number, pattern: textOf(pieces) });
const gapsOf = (pieces: readonly string[]): number => pieces.filter(p => p.includes(gap)).length;
const separatorsOf = (pieces: readonly string[]): string => pieces.filter((_, i) => i % 2 === 1).join('');

/**
 * Drain (He et al., "Drain: an online log parsing approach with fixed depth tree", 2017) over shapes, that is over messages whose words with digits
 * are gaps already, so the few shapes of a stretch of log are looked at and never its messages. A leaf holds the templates with the same
 * separators and the same first words; a shape joins the template there that it fits, or else the most similar one, whose differing words become gaps.
 */
export class TemplateTree {
  readonly #leaves = new Map<string, Leaf>();
  readonly #branches = new Map<string, Set<string>>();
  readonly #byId = new Map<string, Cluster>();
  readonly #templatesMax: number;

  /** `known`: templates learnt before, in the order of their numbers, so that the tree grows as it had grown. */
  constructor(known: Iterable<Template>, templatesMax: number) {
    this.#templatesMax = templatesMax;
    for (const { id, pattern, number } of known) this.#add(id, number, piecesOf(pattern));
  }

  /**
   * The template of a shape, which is founded when there is none. `changed`: it is new or has more gaps than before. Gives undefined when the shape
   * fits nowhere and there are as many templates as may be.
   */
  learn(id: string, shape: string): (Template & { changed: boolean }) | undefined {
    const own = this.#byId.get(id);
    if (own) return { ...templateOf(own), changed: false };
    const pieces = piecesOf(shape);
    const clusters = this.#leafOf(pieces).clusters;
    const fitting = bestFit(clusters, pieces);
    if (fitting) return { ...templateOf(fitting), changed: false };
    const similar = mostSimilar(clusters, pieces);
    if (similar) {
      similar.pieces = similar.pieces.map((piece, i) =>
        piece === pieces[i] ? piece : widened(piece, pieces[i] ?? ''),
      );
      similar.gaps = gapsOf(similar.pieces);
      return { ...templateOf(similar), changed: true };
    }
    if (this.#byId.size >= this.#templatesMax) return undefined;
    return { ...templateOf(this.#add(id, this.#byId.size + 1, pieces)), changed: true };
  }

  #add(id: string, number: number, pieces: string[]): Cluster {
    const cluster = { id, number, pieces, gaps: gapsOf(pieces) };
    this.#byId.set(id, cluster);
    this.#leafOf(pieces).clusters.push(cluster);
    return cluster;
  }

  #leafOf(pieces: readonly string[]): Leaf {
    let path = `${pieces.length} ${separatorsOf(pieces)}`;
    const words = pieces.filter((_, i) => i % 2 === 0).slice(0, depth);
    for (const word of words) {
      const branches = this.#branches.get(path) ?? new Set<string>();
      this.#branches.set(path, branches);
      const branch = word.includes(gap) || (!branches.has(word) && branches.size >= branchesMax) ? gap : word;
      branches.add(branch);
      path += `\n${branch}`;
    }
    const leaf = this.#leaves.get(path) ?? { clusters: [] };
    this.#leaves.set(path, leaf);
    return leaf;
  }
}

/** What of two differing words is the same at both ends stays outside the gap: `user:ann` and `user:bob` give `user:<_>`. */
function widened(a: string, b: string): string {
  const boundary = /[:/.@-]/;
  let start = 0;
  for (let i = 0; i < a.length && i < b.length && a[i] === b[i]; i++) if (boundary.test(a[i] ?? '')) start = i + 1;
  return a.slice(0, start).includes(gap) ? gap : `${a.slice(0, start)}${gap}`;
}

function wordFits(pattern: string, word: string): boolean {
  if (pattern === word) return true;
  if (!pattern.endsWith(gap)) return false;
  const start = pattern.slice(0, -gap.length);
  return !start.includes(gap) && word.length > start.length && word.startsWith(start);
}

/** Of the templates that the shape fits as they are, the one with the fewest gaps, the oldest of those. */
function bestFit(clusters: readonly Cluster[], pieces: readonly string[]): Cluster | undefined {
  let best: Cluster | undefined;
  for (const cluster of clusters)
    if ((!best || cluster.gaps < best.gaps) && cluster.pieces.every((piece, i) => wordFits(piece, pieces[i] ?? '')))
      best = cluster;
  return best;
}

/** Whether one pattern can stand for both words: a gap is never empty, so an empty word, or one that ends where a gap would begin, joins only its like. */
function joins(pattern: string, word: string): boolean {
  if (pattern === word) return true;
  const wide = widened(pattern, word);
  return wordFits(wide, pattern) && wordFits(wide, word);
}

/** The template with the largest share of equal words; a gap counts as different, an empty word (between two separators) not at all. */
function mostSimilar(clusters: readonly Cluster[], pieces: readonly string[]): Cluster | undefined {
  let best: Cluster | undefined;
  let most = similarityMin;
  for (const cluster of clusters) {
    if (!cluster.pieces.every((piece, i) => joins(piece, pieces[i] ?? ''))) continue;
    let equal = 0;
    let all = 0;
    for (let i = 0; i < pieces.length; i += 2) {
      const [a, b] = [cluster.pieces[i] ?? '', pieces[i] ?? ''];
      if (a === '' && b === '') continue;
      all++;
      if (a === b && !a.includes(gap)) equal++;
      else if (a.includes(gap) && b.includes(gap)) equal += 0.5;
    }
    const similarity = all === 0 ? 1 : equal / all;
    if (similarity > most || (similarity === most && !best)) {
      best = cluster;
      most = similarity;
    }
  }
  return best;
}
