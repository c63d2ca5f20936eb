/** The record of a call: the members of an AWS CloudTrail record, in CloudTrail's spelling. */
export interface AuditEvent {
  readonly eventVersion: string;
  /** UUID. */
  readonly eventID: string;
  /** ISO 8601 to the second. */
  readonly eventTime: string;
  readonly eventSource: string;
  readonly eventName: string;
  readonly eventType: 'AwsApiCall';
  readonly eventCategory: 'Management' | 'Data';
  readonly managementEvent: boolean;
  readonly readOnly: boolean;
  readonly awsRegion: string;
  readonly sourceIPAddress: string;
  readonly userAgent: string;
  readonly userIdentity: {
    readonly type: string;
    readonly arn: string;
    readonly accountId: string;
    readonly accessKeyId: string;
  };
  readonly recipientAccountId: string;
  /** Names in PascalCase; null when the parameters were rejected, too large or absent. */
  readonly requestParameters: Readonly<Record<string, unknown>> | null;
  readonly requestID: string;
  readonly errorCode?: string | undefined;
  readonly errorMessage?: string | undefined;
  readonly resources?:
    | readonly { readonly accountId: string; readonly type: string; readonly ARN: string }[]
    | undefined;
}
