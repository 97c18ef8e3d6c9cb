/** A steady load while the leader dies (`npm run load -- failover` kills it after 15 s and starts it again): a pause, and nothing else. */
import type { Options } from 'k6/options';
import { mix } from './mix.ts';

export const options: Options = {
  vus: 32,
  duration: '45s',
  thresholds: { checks: ['rate>0.98'], http_req_duration: ['max<10000'] },
};
export default mix;
