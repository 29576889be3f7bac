import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{startSpareGenerator}from"./chunk-GEVF6HF5.js";import"./chunk-66B2ZEXS.js";startSpareGenerator();var{actionCommand}=await import("./chunk-ALPMT22I.js");process.exitCode=await actionCommand(process.env);
