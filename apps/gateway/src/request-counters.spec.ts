import { MetricsText } from '@holdfast/telemetry';
import { expect, it } from 'vitest';
import { RequestCounters } from './request-counters.ts';

it('counts by method and status, strange ones too', () => {
  const counters = new RequestCounters();
  counters.count('GET', 200);
  counters.count('GET', 200);
  counters.count('BREW', 418);
  counters.count('PUT', 9999);
  const metrics = new MetricsText();
  counters.addTo(metrics);
  expect(metrics.toString().split('\n').slice(2, -1)).toEqual([
    'holdfast_http_requests_total{method="GET",status="200"} 2',
    'holdfast_http_requests_total{method="PUT",status="0"} 1',
    'holdfast_http_requests_total{method="other",status="418"} 1',
  ]);
});
