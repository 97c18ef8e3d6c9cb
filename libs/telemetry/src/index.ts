export { FrameworkLog } from './framework-log.ts';
export { createLogger, LOG_LEVELS, type Logger, type LoggerOptions, type LogLevel } from './logger.ts';
export { type Labels, METRICS_CONTENT_TYPE, type MetricKind, MetricsText } from './metrics-text.ts';
export { addProcessMetrics } from './process-metrics.ts';
