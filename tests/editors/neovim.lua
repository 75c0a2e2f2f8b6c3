-- Driven by test_neovim.py: opens a file with a mistake, and lets the server mend, rename and format it.
local file, out = vim.env.SFLOW_FILE, vim.env.SFLOW_OUT
local report = {}

local function lines()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), "\n")
end

local function ask(method, params)
  local answers = vim.lsp.buf_request_sync(0, method, params, 20000)
  for _, answer in pairs(answers or {}) do
    return answer.result
  end
end

local function here(line, column)
  vim.api.nvim_win_set_cursor(0, { line, column })
  return vim.lsp.util.make_position_params(0, "utf-16")
end

vim.cmd("edit " .. file)
vim.wait(20000, function() return #vim.diagnostic.get(0) > 0 end)
for _, found in ipairs(vim.diagnostic.get(0)) do
  table.insert(report, found.code .. " " .. found.lnum + 1)
end

vim.api.nvim_win_set_cursor(0, { 1, 0 })
local range = vim.lsp.util.make_given_range_params({ 1, 0 }, { 1, 30 }, 0, "utf-16")
range.context = { diagnostics = {} }
for _, action in ipairs(ask("textDocument/codeAction", range) or {}) do
  if action.kind == "quickfix" and action.edit then
    vim.lsp.util.apply_workspace_edit(action.edit, "utf-16")
    break
  end
end
vim.wait(20000, function() return #vim.diagnostic.get(0) == 0 end)
table.insert(report, "left " .. #vim.diagnostic.get(0))
table.insert(report, "fixed\n" .. lines())

local rename = here(2, 3)
rename.newName = "robert"
vim.lsp.util.apply_workspace_edit(ask("textDocument/rename", rename), "utf-16")
table.insert(report, "renamed\n" .. lines())

local edits = ask("textDocument/formatting", vim.lsp.util.make_formatting_params({ tabSize = 2, insertSpaces = true }))
vim.lsp.util.apply_text_edits(edits, 0, "utf-16")
table.insert(report, "formatted\n" .. lines())

local written = io.open(out, "w")
written:write(table.concat(report, "\n---\n"))
written:close()
vim.cmd("qall!")
