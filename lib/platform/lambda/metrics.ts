/** Metrics of a function, in its log. It is loaded where `METRICS_NAMESPACE` asks for it. */
import { systemClock } from '../../base/clock.ts'
import { type EmfMetrics, emfMetrics } from '../../telemetry/metrics/emf.ts'

export function openMetrics(namespace: string): EmfMetrics {
  return emfMetrics({
    namespace,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    wall: () => systemClock.wall(),
    write: (text) => process.stdout.write(text),
  })
}
