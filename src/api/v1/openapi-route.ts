import { openApiDocument } from '../../contract/openapi.ts';
import { jsonAnswer } from '../json-answer.ts';
import type { ExtensionRoute } from './extension-route.ts';

/** `GET /api/openapi.json`: AWS's operations as an OpenAPI document. */
export function openApiRoute(): ExtensionRoute {
  const document = openApiDocument();
  return {
    method: 'GET',
    path: '/api/openapi.json',
    action: 'nfm:GetOpenApiDocument',
    answer: async () => jsonAnswer(document),
  };
}
