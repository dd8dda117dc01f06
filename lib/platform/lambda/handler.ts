/** The handlers as Lambda calls them. Their types need no `@types/aws-lambda`. */

/** What Lambda gives beside the event. */
export interface InvocationContext {
  awsRequestId: string
  /** With the alias or version that was invoked. */
  invokedFunctionArn?: string
  getRemainingTimeInMillis(): number
}

/**
 * The function that a deployment exports. The event is that of a Function URL, of API Gateway (payload 1.0 or 2.0) or of a
 * load balancer.
 */
export type LambdaHandler = (event: object, context: InvocationContext) => Promise<unknown>
