import { readdirSync, readFileSync } from 'node:fs';

export type Usage = { cpuSeconds: number; rssBytes: number; processes: number };

const ticksPerSecond = 100;

function statOf(pid: number): { parent: number; cpuSeconds: number; rssBytes: number } | undefined {
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

/** CPU seconds (user and system, ended children included) and resident memory of a process and everything it started. Linux only. */
export function usageOf(pid: number): Usage {
  const all = new Map<number, { parent: number; cpuSeconds: number; rssBytes: number }>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat) all.set(Number(name), stat);
  }
  const total: Usage = { cpuSeconds: 0, rssBytes: 0, processes: 0 };
  for (const [each, stat] of all) {
    let at: number | undefined = each;
    while (at !== undefined && at !== pid && at > 1) at = all.get(at)?.parent;
    if (at !== pid) continue;
    total.cpuSeconds += stat.cpuSeconds;
    total.rssBytes += stat.rssBytes;
    total.processes++;
  }
  return total;
}

/** CPU seconds of each process of the tree whose command line contains `word`. */
export function cpuOfMatching(pid: number, word: string): number {
  let sum = 0;
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat) parents.set(Number(name), stat.parent);
  }
  for (const each of parents.keys()) {
    let at: number | undefined = each;
    while (at !== undefined && at !== pid && at > 1) at = parents.get(at);
    if (at !== pid) continue;
    try {
      if (readFileSync(`/proc/${each}/cmdline`, 'utf8').includes(word)) sum += statOf(each)?.cpuSeconds ?? 0;
    } catch {
      // Ended meanwhile.
    }
  }
  return sum;
}
