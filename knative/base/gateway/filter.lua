local words = {  -- those of local_reply_config in envoy.yaml
  ["403"] = "Forbidden", ["404"] = "Not Found", ["408"] = "Request Timeout",
  ["413"] = "Payload Too Large", ["429"] = "Too Many Requests",
  ["431"] = "Request Header Fields Too Large", ["503"] = "Service Unavailable",
  ["504"] = "Gateway Timeout",
}

-- Knative counts no probes, and may answer them itself, so nobody passes for one.
function envoy_on_request(asked)
  local headers = asked:headers()
  asked:streamInfo():dynamicMetadata():set("asked", "method", headers:get(":method"))
  if (headers:get("user-agent") or ""):find("^kube%-probe/") then
    headers:remove("user-agent")
  end
end

-- Errors of what stands between the gateway and a function come as text or HTML, and tell of the inside. (Custom
-- responses would go past the filters before this one, and lack their headers.)
function envoy_on_response(answer)
  local headers = answer:headers()
  local status, kind = headers:get(":status"), headers:get("content-type") or ""
  if status < "400" or kind:find("^application/json") or kind:find("^application/cloudevents%+json") then
    return
  end
  local message = words[status] or (status < "500" and "Bad Request" or "Something went wrong")
  headers:replace("content-type", "application/json")
  headers:remove("content-encoding")
  local asked = answer:streamInfo():dynamicMetadata():get("asked")
  if asked and asked.method == "HEAD" then  -- no body follows (RFC 9110, 9.3.2)
    headers:remove("content-length")
    return
  end
  answer:body(true):setBytes('{"errors":[{"message":"' .. message .. '"}]}')
end
