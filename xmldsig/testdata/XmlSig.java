/*
 * Signs and verifies with the JDK's XML signature, many files in one run:
 *
 *   java XmlSig.java LIST
 *
 * LIST has one job a line, fields parted by tabs; each is answered by one line.
 *
 *   verify FILE                                 -> valid | invalid REASON | error REASON
 *   sign OUT KEY CERT METHOD C14N FORM TEMPLATE -> ok | error REASON
 *
 * KEY is PKCS #8 in DER, CERT X.509 in DER. TEMPLATE is the document to sign. FORM
 * tells what is signed: enveloped, detached (Id "a"), enveloping, document and
 * element (by XPointer, with comments), manifest, base64 (Id "b"), or kanta: the
 * timestamp and the body of a CDA document, from within its signature element;
 * kanta-enveloped the same with the transform enveloped-signature.
 */
import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.*;
import java.util.*;
import javax.xml.crypto.*;
import javax.xml.crypto.dom.*;
import javax.xml.crypto.dsig.*;
import javax.xml.crypto.dsig.dom.*;
import javax.xml.crypto.dsig.keyinfo.*;
import javax.xml.crypto.dsig.spec.*;
import javax.xml.parsers.*;
import javax.xml.transform.*;
import javax.xml.transform.dom.*;
import javax.xml.transform.stream.*;
import org.w3c.dom.*;

public class XmlSig {
    static final String EXC = "http://www.w3.org/2001/10/xml-exc-c14n#";
    static final String FI = "urn:hl7finland";
    static final XMLSignatureFactory F = XMLSignatureFactory.getInstance("DOM");

    public static void main(String[] args) throws Exception {
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            String[] f = line.split("\t");
            try {
                System.out.println(f[0].equals("verify") ? verify(f[1]) : sign(f));
            } catch (Exception e) {
                System.out.println("error " + String.valueOf(e).replace('\n', ' '));
            }
        }
    }

    static Document parse(String file) throws Exception {
        DocumentBuilderFactory b = DocumentBuilderFactory.newInstance();
        b.setNamespaceAware(true);
        Document d = b.newDocumentBuilder().parse(new File(file));
        registerIds(d.getDocumentElement());
        return d;
    }

    static void registerIds(Element e) {
        for (String name : new String[] {"ID", "Id", "id"}) {
            if (e.hasAttributeNS(null, name)) e.setIdAttributeNS(null, name, true);
        }
        if (e.hasAttributeNS("http://www.w3.org/XML/1998/namespace", "id")) {
            e.setIdAttributeNS("http://www.w3.org/XML/1998/namespace", "id", true);
        }
        for (Node n = e.getFirstChild(); n != null; n = n.getNextSibling()) {
            if (n instanceof Element) registerIds((Element) n);
        }
    }

    /** The key of the first certificate or key value, untrusted: this is about mathematics. */
    static class AnyKey extends KeySelector {
        public KeySelectorResult select(KeyInfo info, Purpose p, AlgorithmMethod m, XMLCryptoContext c) throws KeySelectorException {
            for (Object o : info.getContent()) {
                try {
                    if (o instanceof KeyValue) {
                        PublicKey k = ((KeyValue) o).getPublicKey();
                        return () -> k;
                    }
                } catch (KeyException e) {
                    throw new KeySelectorException(e);
                }
                if (!(o instanceof X509Data)) continue;
                for (Object x : ((X509Data) o).getContent()) {
                    if (x instanceof X509Certificate) return () -> ((X509Certificate) x).getPublicKey();
                }
            }
            throw new KeySelectorException("no key");
        }
    }

    static String verify(String file) throws Exception {
        NodeList list = parse(file).getElementsByTagNameNS(XMLSignature.XMLNS, "Signature");
        if (list.getLength() == 0) return "invalid none";
        for (int i = 0; i < list.getLength(); i++) {
            DOMValidateContext c = new DOMValidateContext(new AnyKey(), list.item(i));
            XMLSignature s = F.unmarshalXMLSignature(c);
            if (s.validate(c)) continue;
            StringBuilder why = new StringBuilder("invalid value=" + s.getSignatureValue().validate(c));
            for (Object r : s.getSignedInfo().getReferences()) {
                why.append(" ").append(((Reference) r).getURI()).append("=").append(((Reference) r).validate(c));
            }
            return why.toString();
        }
        return "valid";
    }

    static Transform transform(String uri) throws Exception {
        return F.newTransform(uri, (TransformParameterSpec) null);
    }

    static Reference reference(String uri, String... transforms) throws Exception {
        List<Transform> t = new ArrayList<>();
        for (String x : transforms) t.add(transform(x));
        return F.newReference(uri, F.newDigestMethod(DigestMethod.SHA256, null), t, null, null);
    }

    static String sign(String[] f) throws Exception {
        byte[] key = Files.readAllBytes(Path.of(f[2]));
        X509Certificate cert = (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(Files.readAllBytes(Path.of(f[3]))));
        PrivateKey priv = KeyFactory.getInstance(cert.getPublicKey().getAlgorithm()).generatePrivate(new PKCS8EncodedKeySpec(key));
        String c14n = f[5], form = f[6];
        Document d = parse(f[7]);
        Element parent = d.getDocumentElement();
        List<Reference> refs = new ArrayList<>();
        List<XMLObject> objects = null;
        switch (form) {
            case "enveloped": refs.add(reference("", Transform.ENVELOPED, c14n)); break;
            case "detached": refs.add(reference("#a", c14n)); refs.add(reference("#a")); break;
            case "document": refs.add(reference("#xpointer(/)", Transform.ENVELOPED, c14n)); break;
            case "element": refs.add(reference("#xpointer(id('a'))", c14n)); break;
            case "base64": refs.add(reference("#b", Transform.BASE64)); break;
            case "enveloping":
                refs.add(reference("#o", c14n));
                objects = List.of(F.newXMLObject(List.of(new DOMStructure(d.getElementsByTagName("a").item(0).cloneNode(true))), "o", null, null));
                break;
            case "manifest":
                refs.add(reference("#m", c14n));
                objects = List.of(F.newXMLObject(List.of(F.newManifest(List.of(reference("#a", c14n), reference("", Transform.ENVELOPED, c14n)), "m")), null, null, null));
                break;
            default:
                String body = ((Element) d.getElementsByTagNameNS("urn:hl7-org:v3", "nonXMLBody").item(0)).getAttribute("ID");
                Element stamp = (Element) d.getElementsByTagNameNS(FI, "signatureTimestamp").item(0);
                String[] t = form.equals("kanta") ? new String[] {EXC} : new String[] {Transform.ENVELOPED, EXC};
                refs.add(reference("#" + body, t));
                refs.add(reference("#" + stamp.getAttribute("ID"), t));
                parent = (Element) stamp.getParentNode();
        }
        KeyInfoFactory k = F.getKeyInfoFactory();
        X509Data x509 = k.newX509Data(form.startsWith("kanta") ? List.of(cert)
            : List.of(cert.getSubjectX500Principal().getName(), k.newX509IssuerSerial(cert.getIssuerX500Principal().getName(), cert.getSerialNumber()), cert));
        KeyInfo info = k.newKeyInfo(form.equals("detached") ? List.of(k.newKeyValue(cert.getPublicKey())) : List.of(x509));
        SignatureMethodParameterSpec params = null;
        SignedInfo si = F.newSignedInfo(F.newCanonicalizationMethod(c14n, (C14NMethodParameterSpec) null), F.newSignatureMethod(f[4], params), refs);
        DOMSignContext c = new DOMSignContext(priv, parent);
        if (form.startsWith("kanta")) c.setDefaultNamespacePrefix("ds");
        F.newXMLSignature(si, info, objects, null, null).sign(c);
        try (OutputStream out = Files.newOutputStream(Path.of(f[1]))) {
            TransformerFactory.newInstance().newTransformer().transform(new DOMSource(d), new StreamResult(out));
        }
        return "ok";
    }
}
