import { expect, it } from 'vitest';
import { MetricsText } from './metrics-text.ts';

it('writes help, type and samples, with labels escaped', () => {
  const text = new MetricsText()
    .add('counter', 'requests_total', 'Requests.', [{ labels: { method: 'GET', status: 200 }, value: 3 }])
    .add('gauge', 'depth', 'Depth.', [{ value: 0.5 }, { labels: { name: 'a"\\\n' }, value: 1 }])
    .toString();
  expect(text).toBe(
    [
      '# HELP requests_total Requests.',
      '# TYPE requests_total counter',
      'requests_total{method="GET",status="200"} 3',
      '# HELP depth Depth.',
      '# TYPE depth gauge',
      'depth 0.5',
      'depth{name="a\\"\\\\\\n"} 1',
      '',
    ].join('\n'),
  );
});
