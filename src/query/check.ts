import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { WeirError } from '../base/errors.ts';
import { parseEql } from '../language/eql/parser.ts';
import { type CheckAnswer, queryText } from './contract.ts';
import { kindOf } from './eql/answer.ts';
import { looksEql } from './eql/contract.ts';
import { planOf } from './plan.ts';
import { checked } from './room.ts';

const checkRequest = z.object({ query: queryText.default('') });

/** `POST /api/v1/check`: what the query means, or where it is wrong. Always 200: a query that does not parse is an answer here. */
export function registerCheck(server: FastifyInstance): void {
  server.post('/api/v1/check', async (request): Promise<CheckAnswer> => {
    const { query } = checked(checkRequest, request.body);
    try {
      if (looksEql(query))
        return { ok: true, kind: kindOf(parseEql(query)), logql: query.trim(), language: 'eql', notes: [] };
      const plan = planOf(query);
      const { kind, logql, language, reading, notes } = plan;
      return { ok: true, kind, logql, language, notes, ...(reading !== undefined && { reading }) };
    } catch (error) {
      if (error instanceof WeirError) return { ok: false, ...error.toBody() };
      throw error;
    }
  });
}
