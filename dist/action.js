import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{startSpareGenerator}from"./chunk-AACOKSOA.js";import"./chunk-66B2ZEXS.js";startSpareGenerator();var{actionCommand}=await import("./chunk-M2ZLU5HG.js");process.exitCode=await actionCommand(process.env);
