import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import { tenantOf } from '../../../base/tenant.ts';
import { answerAsLoki } from '../errors.ts';
import { parametersOf } from '../parameters.ts';
import { openRuleFiles } from './rule-files.ts';
import { groupYaml, namespacesYaml, parseGroup, type RuleGroup, secondsOf } from './rule-group.ts';

type Place = { namespace: string; group: string };

/** When nothing has been evaluated; Go's zero time. */
const never = '0001-01-01T00:00:00Z';
const success = { status: 'success', data: null, errorType: '', error: '' };
const missing = (text: string): WeirError => new WeirError('no_such_rules', { reason: text });

/** A group in the shape of Prometheus' rules API. Rules are stored and not evaluated, and it says so: no state but inactive, health unknown. */
function prometheusGroup(
  file: string,
  group: RuleGroup,
): { rules: { type: string; name: string }[]; [key: string]: unknown } {
  return {
    name: group.name,
    file,
    rules: group.rules.map(rule => {
      const labels = rule.labels ?? {};
      const state = { health: 'unknown', lastError: '' };
      const evaluation = { lastEvaluation: never, evaluationTime: 0 };
      if (rule.alert === undefined)
        return { name: rule.record ?? '', query: rule.expr, labels, ...state, type: 'recording', ...evaluation };
      const { annotations = {}, alert: name, expr: query } = rule;
      const head = { state: 'inactive', name, query, duration: secondsOf(rule.for), labels, annotations, alerts: [] };
      return { ...head, ...state, type: 'alerting', ...evaluation };
    }),
    interval: group.interval === undefined ? 60 : secondsOf(group.interval),
    limit: Number(group.limit ?? 0),
    lastEvaluation: never,
    evaluationTime: 0,
  };
}

/** Rules of the Loki API, of its older path, and in Prometheus' shape. They are kept in files under `directory`. */
export async function registerRules(server: FastifyInstance, directory: string): Promise<void> {
  const files = openRuleFiles(directory);

  const yaml = (reply: FastifyReply, text: string): string => {
    reply.type('application/yaml');
    return text;
  };
  const accepted = (reply: FastifyReply): object => {
    reply.code(202);
    return success;
  };

  async function list(request: FastifyRequest, reply: FastifyReply): Promise<string> {
    const { namespace } = request.params as Partial<Place>;
    const all = await files.read(tenantOf(request.headers));
    const shown = namespace === undefined ? all : new Map([...all].filter(([name]) => name === namespace));
    if (shown.size === 0) throw missing('no rule groups found');
    return yaml(reply, namespacesYaml(shown));
  }

  async function one(request: FastifyRequest, reply: FastifyReply): Promise<string> {
    const { namespace, group } = request.params as Place;
    const all = await files.read(tenantOf(request.headers));
    const found = all.get(namespace)?.find(({ name }) => name === group);
    if (!found) throw missing('group does not exist');
    return yaml(reply, groupYaml(found));
  }

  async function put(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const { namespace } = request.params as Place;
    const tenant = tenantOf(request.headers);
    const group = parseGroup(typeof request.body === 'string' ? request.body : '');
    await files.change(tenant, namespaces => {
      const groups = namespaces.get(namespace) ?? [];
      const at = groups.findIndex(({ name }) => name === group.name);
      if (at >= 0) groups[at] = group;
      else groups.push(group);
      namespaces.set(namespace, groups);
      const count = [...namespaces.values()].reduce((sum, list) => sum + list.length, 0);
      if (count > limits.ruleGroupsMax)
        throw new WeirError('bad_request', {
          reason: `per-user rule groups limit (limit: ${limits.ruleGroupsMax} actual: ${count}) exceeded; delete groups that are not needed, or put their rules into fewer groups`,
        });
    });
    return accepted(reply);
  }

  async function remove(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const { namespace, group } = request.params as { namespace: string; group?: string };
    await files.change(tenantOf(request.headers), namespaces => {
      const groups = namespaces.get(namespace);
      if (group === undefined) {
        if (!namespaces.delete(namespace)) throw missing('no rule groups found');
        return;
      }
      const kept = groups?.filter(({ name }) => name !== group);
      if (!groups || !kept || kept.length === groups.length) throw missing('group does not exist');
      namespaces.set(namespace, kept);
    });
    return accepted(reply);
  }

  await server.register(async scope => {
    answerAsLoki(scope);
    // lokitool says YAML or nothing; whatever it says, a body here is YAML.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: limits.rulesBytesMax }, (_, body, done) =>
      done(null, body),
    );
    for (const base of ['/loki/api/v1/rules', '/api/prom/rules']) {
      scope.get(base, list);
      scope.get(`${base}/:namespace`, list);
      scope.get(`${base}/:namespace/:group`, one);
      scope.post(`${base}/:namespace`, put);
      scope.delete(`${base}/:namespace`, remove);
      scope.delete(`${base}/:namespace/:group`, remove);
    }

    scope.get('/prometheus/api/v1/rules', async (request, reply) => {
      const parameters = parametersOf(request);
      const type = parameters.get('type')?.toLowerCase();
      if (type !== undefined && type !== 'alert' && type !== 'record')
        return reply.code(400).send({
          status: 'error',
          data: null,
          errorType: 'bad_data',
          error: `not supported value "${type.slice(0, 100)}"`,
        });
      const chosen = (name: string, value: string): boolean => {
        const wanted = [...parameters.all(name), ...parameters.all(`${name}[]`)];
        return wanted.length === 0 || wanted.includes(value);
      };
      const namespaces = await files.read(tenantOf(request.headers));
      const groups = [...namespaces]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([file, list]) => list.map(group => prometheusGroup(file, group)))
        .filter(group => chosen('file', String(group.file)) && chosen('rule_group', String(group.name)))
        .map(group => ({
          ...group,
          rules: group.rules.filter(
            rule => chosen('rule_name', rule.name) && (type === undefined || rule.type.startsWith(type)),
          ),
        }))
        .filter(group => group.rules.length > 0);
      return { status: 'success', data: { groups }, errorType: '', error: '' };
    });
    scope.get('/prometheus/api/v1/alerts', async request => {
      tenantOf(request.headers);
      return { status: 'success', data: { alerts: [] }, errorType: '', error: '' };
    });
  });
}
