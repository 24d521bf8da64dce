import { limits } from '../../base/limits.ts';
import { log } from '../../base/log.ts';
import { shapesUnlearnt } from '../../base/telemetry.ts';
import type { Engine, LearntTemplates, SealOrder, Tail, TailStore, Template } from '../../flow.ts';
import { gap, messageShape } from '../../language/message-shape.ts';
import { TemplateTree } from './drain.ts';

/** The template of messages that fit no other when there may be no more. Its id is no shape's. */
const anything: Template = { id: '0'.repeat(16), pattern: gap, number: 0 };

type Tenant = { tree: TemplateTree; ids: Map<string, string>; anythingNoted: boolean };

/** The store, with every seal preceded by a look at the shapes of the tail's messages. After a failed seal the templates are read from the store again. */
export function withTemplates(store: TailStore, engine: Engine): TailStore {
  let miner = new TemplateMiner(store, engine);
  return {
    ...store,
    async prepare() {
      miner = new TemplateMiner(store, engine);
      await store.prepare();
    },
    async seal(order: SealOrder) {
      try {
        return await store.seal({ ...order, templates: await miner.learn(order.tail) });
      } catch (error) {
        miner = new TemplateMiner(store, engine);
        throw error;
      }
    },
  };
}

/** Learns templates from tails, one tail after the other. */
class TemplateMiner {
  readonly #store: TailStore;
  readonly #engine: Engine;
  /** The tenant used last stands last. */
  readonly #tenants = new Map<string, Tenant>();

  constructor(store: TailStore, engine: Engine) {
    this.#store = store;
    this.#engine = engine;
  }

  /** What the shapes of the tail's messages belong to. Rows are grouped by the engine; only distinct shapes come here. */
  async learn(tail: Tail): Promise<LearntTemplates> {
    const rows = await this.#engine.run({
      sql: `SELECT tenant, template AS id, ${messageShape('example')} AS shape FROM
(SELECT tenant, template, any(message) AS example FROM ${tail.records} GROUP BY tenant, template ORDER BY count() DESC, template LIMIT ${limits.shapesPerSealMax + 1})`,
    });
    const changed = new Map<string, Map<string, Template>>();
    const renamed = new Map<string, Map<string, string>>();
    const entry = <V>(of: Map<string, Map<string, V>>, tenant: string): Map<string, V> => {
      const found = of.get(tenant) ?? new Map<string, V>();
      of.set(tenant, found);
      return found;
    };
    const all = rows.length <= limits.shapesPerSealMax;
    if (!all) {
      log.warn(
        { shapesPerSealMax: limits.shapesPerSealMax },
        'process: more different messages than templates are learnt from at once; the rarer ones count under the pattern that fits everything',
      );
      shapesUnlearnt(1);
      rows.pop();
    }
    for (const row of rows) {
      const [name, id] = [String(row.tenant), String(row.id)];
      const tenant = await this.#tenant(name);
      let template = tenant.ids.get(id);
      if (template === undefined) {
        const learnt = tenant.tree.learn(id, String(row.shape));
        if (learnt?.changed) entry(changed, name).set(learnt.id, learnt);
        if (!learnt) shapesUnlearnt(1);
        template = learnt?.id ?? anything.id;
        if (tenant.ids.size >= limits.shapesKnownMax) tenant.ids.clear();
        tenant.ids.set(id, template);
      }
      if (!tenant.anythingNoted && (template === anything.id || !all)) {
        entry(changed, name).set(anything.id, anything);
        tenant.anythingNoted = true;
      }
      if (template !== id || !all) entry(renamed, name).set(id, template);
    }
    return {
      changed: new Map([...changed].map(([name, templates]) => [name, [...templates.values()]])),
      renamed,
      otherwise: all ? undefined : anything.id,
    };
  }

  async #tenant(name: string): Promise<Tenant> {
    const found = this.#tenants.get(name) ?? {
      tree: new TemplateTree(
        (await this.#store.templates(name)).filter(t => t.id !== anything.id),
        limits.templatesMax,
      ),
      ids: new Map<string, string>(),
      anythingNoted: false,
    };
    this.#tenants.delete(name);
    this.#tenants.set(name, found);
    const [oldest] = this.#tenants.keys();
    if (this.#tenants.size > limits.templateTenantsMax && oldest !== undefined) this.#tenants.delete(oldest);
    return found;
  }
}
