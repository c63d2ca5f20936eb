import { ApiError } from '../model/api-error.ts';
import { headerValue, type RawRequest } from '../model/http.ts';
import { parseJsonBody } from '../wire/rest-json/json.ts';

/**
 * The JSON object of a request's body, `{}` without one. Throws SerializationException, and
 * UnsupportedMediaTypeException for another type: a browser can be made to post a form, but not
 * JSON, unasked.
 */
export function readJsonBody(request: RawRequest): Readonly<Record<string, unknown>> {
  if (request.body.length === 0) return {};
  const type = headerValue(request, 'content-type');
  if (type !== undefined && !/^application\/json\s*(?:;|$)/i.test(type)) {
    throw new ApiError('UnsupportedMediaTypeException', 'content-type must be application/json');
  }
  return parseJsonBody(request.body);
}
