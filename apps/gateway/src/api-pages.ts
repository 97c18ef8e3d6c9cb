import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { KEY_PATH_ITEM, KEY_PATH_NAME, PROBLEM_SCHEMA } from './api-document.ts';

/** Serves `/openapi.json` and the page `/docs`, made when somebody first asks. */
export function addApiPages(app: NestFastifyApplication, version: string): void {
  SwaggerModule.setup('docs', app, () => apiDocument(app, version), {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
  });
}

/** The routes that the framework finds; those of keys are described by hand, since they are raw. */
function apiDocument(app: NestFastifyApplication, version: string): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Holdfast')
    .setDescription('A distributed, fault-tolerant key-value store for plain HTTP and JSON.')
    .setVersion(version)
    .build();
  const document = SwaggerModule.createDocument(app, config);
  const others = Object.entries(document.paths).filter(([path]) => !path.startsWith('/v1/keyspaces/'));
  return {
    ...document,
    paths: { [KEY_PATH_NAME]: KEY_PATH_ITEM, ...Object.fromEntries(others) },
    components: {
      ...document.components,
      schemas: { ...document.components?.schemas, Problem: PROBLEM_SCHEMA },
    },
  };
}
