/** What every load test does: four reads to one write, now and then a listing and a counter, keys by chance. */
import http, { type RefinedResponse } from 'k6/http';
import { check } from 'k6';
import { Counter } from 'k6/metrics';

const API = `${__ENV.HOLDFAST_URL ?? 'http://127.0.0.1:7700'}/v1`;
const KEYS = `${API}/keyspaces/default/keys`;
const HEADERS = { Authorization: `Bearer ${__ENV.HOLDFAST_TOKEN ?? ''}` };
const KEY_COUNT = 10_000;
const VALUE = JSON.stringify({ text: 'x'.repeat(200) });

// A key without a value is an answer: k6's own count of failures is to count failures.
http.setResponseCallback(http.expectedStatuses(200, 404));

/** Answers that are no answer: a server that fails, or whose outcome nobody knows. */
const unexpected = new Counter('unexpected_answers');

const key = (): string => `load%2F${Math.floor(Math.random() * KEY_COUNT)}`;
const named = (name: string) => ({ headers: HEADERS, tags: { name } });

function judge(answer: RefinedResponse<'text'>, ...statuses: readonly number[]): void {
  if (!check(answer, { 'the status is one that was meant': ({ status }) => statuses.includes(status) })) {
    unexpected.add(1);
  }
}

export function write(): void {
  const headers = { ...HEADERS, 'Content-Type': 'application/json' };
  judge(
    http.put(`${KEYS}/${key()}`, VALUE, { headers, tags: { name: 'put' } }) as RefinedResponse<'text'>,
    200,
  );
}

export function read(): void {
  judge(http.get(`${KEYS}/${key()}`, named('get')) as RefinedResponse<'text'>, 200, 404);
}

/** One step of a caller. */
export function mix(): void {
  const chance = Math.random();
  if (chance < 0.02) {
    judge(http.get(`${KEYS}?prefix=load%2F1&limit=20`, named('list')) as RefinedResponse<'text'>, 200);
  } else if (chance < 0.05) {
    judge(
      http.post(`${KEYS}/load-counter:increment`, null, named('increment')) as RefinedResponse<'text'>,
      200,
    );
  } else if (chance < 0.2) {
    write();
  } else {
    read();
  }
}

/** What a healthy cluster keeps. Times in milliseconds: generous, since the load comes from the same machine. */
export const THRESHOLDS = {
  checks: ['rate>0.999'],
  'http_req_duration{name:get}': ['p(95)<250'],
  'http_req_duration{name:put}': ['p(95)<400'],
};
