import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { apiDocument } from './api-document.ts';

/** Serves `/openapi.json` and the page `/docs`, made when somebody first asks. */
export function addApiPages(app: NestFastifyApplication, version: string): void {
  SwaggerModule.setup('docs', app, () => apiDocument(version) as unknown as OpenAPIObject, {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
  });
}
