import type { RawResponse } from '../model/http.ts';
import { encodeJson } from '../wire/rest-json/json.ts';

/** A response of status 200 with a JSON body. */
export function jsonAnswer(value: unknown): RawResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: encodeJson(value),
  };
}
