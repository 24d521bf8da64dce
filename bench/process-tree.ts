import { readdirSync, readFileSync } from 'node:fs';

export type Usage = { cpuSeconds: number; rssBytes: number; processes: number };

const ticksPerSecond = 100;

type Stat = { parent: number; cpuSeconds: number; rssBytes: number };

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    // proc(5): after the command come state, ppid, ...; utime is field 14, stime 15, cutime 16, cstime 17, rss 24 (pages).
    const at = (n: number): number => fields[n - 3] ?? 0;
    return { parent: at(4), cpuSeconds: (at(14) + at(15) + at(16) + at(17)) / ticksPerSecond, rssBytes: at(24) * 4096 };
  } catch {
    return undefined;
  }
}

/** A process and everything it started. */
function treeOf(pid: number): Map<number, Stat> {
  const all = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat) all.set(Number(name), stat);
  }
  const tree = new Map<number, Stat>();
  for (const [each, stat] of all) {
    let at: number | undefined = each;
    while (at !== undefined && at !== pid && at > 1) at = all.get(at)?.parent;
    if (at === pid) tree.set(each, stat);
  }
  return tree;
}

/** CPU seconds (user and system, ended children included) and resident memory of a process and everything it started. Linux only. */
export function usageOf(pid: number): Usage {
  const total: Usage = { cpuSeconds: 0, rssBytes: 0, processes: 0 };
  for (const stat of treeOf(pid).values()) {
    total.cpuSeconds += stat.cpuSeconds;
    total.rssBytes += stat.rssBytes;
    total.processes++;
  }
  return total;
}

/**
 * Where the resident bytes of a tree are: `proportional` counts a shared page as a share of it (PSS; less beside other programs that run the same files),
 * `anonymous` is what no file backs, so what the tree really takes from the machine.
 */
export function residentOf(pid: number): { proportional: number; anonymous: number } {
  const total = { proportional: 0, anonymous: 0 };
  for (const each of treeOf(pid).keys()) {
    try {
      const text = readFileSync(`/proc/${each}/smaps_rollup`, 'utf8');
      total.proportional += 1024 * Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
      total.anonymous += 1024 * Number(/^Anonymous:\s+(\d+)/m.exec(text)?.[1] ?? 0);
    } catch {
      // Ended meanwhile.
    }
  }
  return total;
}

/** CPU seconds of each process of the tree whose command line contains `word`. */
export function cpuOfMatching(pid: number, word: string): number {
  let sum = 0;
  for (const [each, stat] of treeOf(pid)) {
    try {
      if (readFileSync(`/proc/${each}/cmdline`, 'utf8').includes(word)) sum += stat.cpuSeconds;
    } catch {
      // Ended meanwhile.
    }
  }
  return sum;
}
