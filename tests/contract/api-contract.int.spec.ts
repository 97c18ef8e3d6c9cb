import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import request from 'supertest';
import { type Dispatcher, Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiDocument } from '../../apps/gateway/src/openapi/api-document.ts';
import { GatewayUnderTest } from './gateway-under-test.ts';
import { almostValueOf, naughtyText, type Schema, valueOf } from './schema-arbitrary.ts';

/** The document against the gateway: whatever is sent, the answer is one that the document describes. */
interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: Schema;
}
interface Described {
  readonly path: string;
  readonly method: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | undefined;
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

const RUNS = 80;
/** A deadline that is always met here, in milliseconds. */
const PATIENT_MS = 2000;
const document = apiDocument('0.0.0');
const described = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]): Described => {
    const {
      parameters = [],
      requestBody,
      responses,
    } = operation as {
      parameters?: readonly Parameter[];
      requestBody?: { content: Readonly<Record<string, { schema: Schema }>> };
      responses: Described['responses'];
    };
    return { path, method, parameters, body: requestBody?.content['application/json']?.schema, responses };
  }),
);
const ajv = new Ajv2020({
  strict: false,
  formats: { binary: true, base64: true, int64: true, 'date-time': true },
  allowUnionTypes: true,
});
ajv.addSchema(document, 'api');

let gateway: GatewayUnderTest;
let pool: Pool;
beforeAll(async () => {
  gateway = await GatewayUnderTest.start();
  pool = new Pool(gateway.url, { connections: 8 });
  const made = await request(gateway.url).post('/v1/keyspaces').send({ name: 'fuzzed' });
  expect(made.status).toBe(201);
});
afterAll(async () => {
  await pool.close();
  await gateway[Symbol.asyncDispose]();
});

interface Sent {
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** Requests that are near what the operation takes. Header fields hold what HTTP allows there. */
function requestOf({ path, method, parameters, body }: Described): fc.Arbitrary<Sent> {
  const values = parameters.map((parameter) => {
    const value = fc.oneof(
      { weight: 4, arbitrary: valueOf(parameter.schema) },
      { weight: 1, arbitrary: naughtyText },
    );
    if (parameter.name === 'name') return fc.oneof(fc.constantFrom('fuzzed', 'short-lived'), naughtyText);
    if (parameter.name === 'keyspace') return fc.oneof(fc.constant('default'), naughtyText);
    return parameter.in === 'path' ? value : fc.option(value, { nil: undefined, freq: 3 });
  });
  const content = body === undefined ? fc.constant(undefined) : fc.option(almostValueOf(body), { freq: 10 });
  const type = fc.oneof({ weight: 9, arbitrary: fc.constant('application/json') }, fc.constant('text/plain'));
  return fc.tuple(fc.tuple(...values), content, type).map(([given, json, contentType]) => {
    const headers: Record<string, string> = {};
    const query: string[] = [];
    let target = path;
    for (const [i, { name, in: place }] of parameters.entries()) {
      const one = given[i];
      if (one === undefined) continue;
      const value = typeof one === 'string' ? one : JSON.stringify(one);
      if (place === 'path') target = target.replace(`{${name}}`, percent(value) || '-');
      else if (place === 'query') query.push(`${name}=${percent(value)}`);
      else headers[name] = value.replaceAll(/[^\x20-\x7e]/g, '').slice(0, 1000);
    }
    const payload = ['get', 'head', 'delete'].includes(method) || json === undefined ? undefined : json;
    if (payload !== undefined) headers['content-type'] = contentType;
    return {
      target: query.length === 0 ? target : `${target}?${query.join('&')}`,
      headers,
      body: payload === undefined ? undefined : JSON.stringify(payload),
    };
  });
}

function percent(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : '%ED%A0%80';
}

describe.each(described)('$method $path', (operation) => {
  it('answers everything as the document says', async () => {
    await fc.assert(
      fc.asyncProperty(requestOf(operation), async ({ target, headers, body }) => {
        const method = operation.method.toUpperCase() as Dispatcher.HttpMethod;
        const answer = await pool.request({ method, path: target, headers, body });
        const { statusCode: status } = answer;
        // A stream of events has no end to wait for.
        const endless = answer.headers['content-type'] === 'text/event-stream';
        if (endless) answer.body.on('error', () => undefined).destroy();
        const text = endless ? '' : await answer.body.text();
        const context = `${method} ${target} ${JSON.stringify(headers)} ${body} -> ${status} ${text.slice(0, 300)}`;
        // Who asks for an answer within a few milliseconds may be told that there was none; HEAD cannot say why.
        const hasty = Number(headers['Holdfast-Deadline-Ms'] ?? PATIENT_MS) < PATIENT_MS;
        const late =
          hasty && status === 503 && (method === 'HEAD' || /HF_(TIMEOUT|DEADLINE_EXCEEDED)/.test(text));
        expect(status < 500 || status === 501 || late, context).toBe(true);
        const response = operation.responses[status];
        expect(response, context).toBeDefined();
        if (method === 'HEAD' || status === 304) return;
        const type = String(answer.headers['content-type']).split(';')[0];
        const schema = (response.content?.[type] ?? response.content?.['application/octet-stream'])?.schema;
        expect(schema, context).toBeDefined();
        if (!type.endsWith('json') || schema === undefined || Object.keys(schema).length === 0) return;
        const validate = ajv.compile(absolute(schema));
        expect(validate(JSON.parse(text)), `${context} ${JSON.stringify(validate.errors)}`).toBe(true);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});

/** References of the document, from outside of it. */
function absolute(schema: Schema): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object;
}

describe('the document', () => {
  it('is what the gateway serves, and has a page', async () => {
    const http = request(gateway.url);
    const served = (await http.get('/openapi.json').expect(200)).body as typeof document;
    expect(Object.keys(served.paths)).toEqual(Object.keys(document.paths));
    expect(served.openapi).toBe('3.1.0');
    const page = await http.get('/docs').expect(200);
    expect(page.text).toContain('swagger');
  });

  it('describes what happens to a key from its first write to its last', async () => {
    const http = request(gateway.url);
    const key = '/v1/keyspaces/default/keys/contract';
    const put = await http.put(key).send({ a: 1 }).expect(200).expect('content-type', /json/);
    const etag = put.headers['etag'];
    await http.get(key).expect(200, { a: 1 }).expect('etag', etag);
    await http.head(key).expect(200).expect('etag', etag);
    await http.get(key).set('if-none-match', etag).expect(304);
    await http.put(key).set('if-match', '"1"').send('2').expect(412);
    await http.put(key).set('if-match', etag).send('2').expect(200);
    await http.delete(key).expect(200);
    await http.get(key).expect(404).expect('content-type', 'application/problem+json');
  });
});
