import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** Serves `/openapi.json` and the page `/docs`, made when somebody first asks. */
export function addApiPages(app: NestFastifyApplication, version: string): void {
  const config = new DocumentBuilder()
    .setTitle('Holdfast')
    .setDescription('A distributed, fault-tolerant key-value store for plain HTTP and JSON.')
    .setVersion(version)
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, config), {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
  });
}
