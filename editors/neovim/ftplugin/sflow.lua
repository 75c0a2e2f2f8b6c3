-- What a buffer of a .sflow file gets: its options, and the language server.
-- vim.g.sipflow_command is a list with another command than `sipflow lsp`; false starts none.
vim.bo.commentstring = "# %s"
vim.bo.comments = ":#"
vim.bo.expandtab = true
vim.bo.shiftwidth = 2
vim.b.undo_ftplugin = "setlocal commentstring< comments< expandtab< shiftwidth<"

local command = vim.g.sipflow_command
if command == nil then
  command = { "sipflow", "lsp" }
end

-- The repository that the file is in, else its folder: all files below it share a server.
local function root()
  local folder = vim.fn.expand("%:p:h")
  local found = vim.fn.finddir(".git", folder .. ";")
  return found == "" and folder or vim.fn.fnamemodify(found, ":p:h:h")
end

-- Neovim 0.7 has no vim.lsp.start.
local function start_and_attach(config)
  local id = vim.g.sipflow_client
  if not id or not vim.lsp.get_client_by_id(id) then
    id = vim.lsp.start_client(config)
    vim.g.sipflow_client = id
  end
  vim.lsp.buf_attach_client(0, id)
end

if command and vim.fn.executable(command[1]) == 1 then
  local start = vim.lsp.start or start_and_attach
  start({ name = "sipflow", cmd = command, root_dir = root() })
end
