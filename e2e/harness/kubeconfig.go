package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// TokenKubeconfig writes a kubeconfig whose token is in a file of its own, and returns both paths.
func (c *Cluster) TokenKubeconfig(token string) (kubeconfig, tokenFile string, err error) {
	base := filepath.Join(c.dir, c.Name("token"))
	config := rest.CopyConfig(c.config)
	config.BearerToken, config.BearerTokenFile = "", base
	return base + ".kubeconfig", base, errors.Join(os.WriteFile(base, []byte(token), 0o600), writeKubeconfig(base+".kubeconfig", config))
}

// WriteFile replaces a file as a whole, so that no reader sees half of it.
func (c *Cluster) WriteFile(path, content string) error {
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(path+".new", path)
}

// writeKubeconfig writes a self-contained file: the CA is copied into it.
func writeKubeconfig(path string, config *rest.Config) error {
	ca, err := os.ReadFile(config.CAFile)
	if err != nil {
		return fmt.Errorf("read the API server's certificate: %w", err)
	}
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters["e2e"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: ca}
	kubeconfig.AuthInfos["e2e"] = &clientcmdapi.AuthInfo{Token: config.BearerToken, TokenFile: config.BearerTokenFile}
	kubeconfig.Contexts["e2e"] = &clientcmdapi.Context{Cluster: "e2e", AuthInfo: "e2e"}
	kubeconfig.CurrentContext = "e2e"
	if err := clientcmd.WriteToFile(*kubeconfig, path); err != nil {
		return fmt.Errorf("write the kubeconfig: %w", err)
	}
	return nil
}

func readKubeconfig(path string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig %q: %w", path, err)
	}
	return config, nil
}
