import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { WeirError } from '../base/errors.ts';
import type { CheckAnswer } from './contract.ts';
import { planOf } from './plan.ts';
import { checked } from './room.ts';

const checkRequest = z.object({ query: z.string().default('') });

/** `POST /api/v1/check`: what the query means, or where it is wrong. Always 200: a query that does not parse is an answer here. */
export function registerCheck(server: FastifyInstance): void {
  server.post('/api/v1/check', async (request): Promise<CheckAnswer> => {
    const { query } = checked(checkRequest, request.body);
    try {
      const plan = planOf(query);
      const { kind, logql, language, reading, notes } = plan;
      return { ok: true, kind, logql, language, notes, ...(reading !== undefined && { reading }) };
    } catch (error) {
      if (error instanceof WeirError) return { ok: false, ...error.toBody() };
      throw error;
    }
  });
}
