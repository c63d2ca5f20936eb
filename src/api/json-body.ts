import { ApiError } from '../model/api-error.ts';
import { headerValue, type RawRequest } from '../model/http.ts';
import { parseJsonBody } from '../wire/rest-json/json.ts';

/**
 * Parses the body as a JSON object; an empty body is `{}`. Other content types are rejected: a
 * page of another site can make a browser post a form, but not JSON.
 *
 * @throws ApiError SerializationException, UnsupportedMediaTypeException
 */
export function readJsonBody(request: RawRequest): Readonly<Record<string, unknown>> {
  if (request.body.length === 0) return {};
  const type = headerValue(request, 'content-type');
  if (type !== undefined && !/^application\/json\s*(?:;|$)/i.test(type)) {
    throw new ApiError('UnsupportedMediaTypeException', 'content-type must be application/json');
  }
  return parseJsonBody(request.body);
}
