export {
  type ClusterView,
  type NodeTarget,
  type NodeView,
  type RangeView,
  viewCluster,
} from './cluster-view.ts';
export { addRequestIdHeader, HTTP_HEADER_BYTES_MAX, httpEdgeOptions } from './http-edge.ts';
export { type NodeReport, nodeReportSchema } from './node-report.ts';
export {
  holdfastErrorOf,
  type Problem,
  PROBLEM_CONTENT_TYPE,
  problemOf,
  retryAfterSeconds,
} from './problem.ts';
export { ProblemFilter } from './problem-filter.ts';
export { replyProblem } from './problem-reply.ts';
export { runApp } from './run-app.ts';
export { type Fatal, type Running, SUPERVISED_VARIABLE } from './run-process.ts';
export {
  addressSetting,
  clusterIdSetting,
  listSetting,
  logLevelSetting,
  millisecondsSetting,
  numberedSetting,
  portSetting,
  readSettings,
  SettingsError,
  variableOf,
} from './settings.ts';
export { isWholeTls, nodeTokenSetting, tlsOf, tlsSettings, WHOLE_TLS } from './transport-settings.ts';
